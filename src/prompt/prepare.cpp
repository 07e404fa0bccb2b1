#include "prompt/prepare.h"

#include <spdlog/fmt/fmt.h>

#include <numeric>
#include <utility>

#include "common/low_priority.h"
#include "common/sha256.h"
#include "prompt/chat_template.h"
#include "prompt/image_source.h"

namespace spyhop {
namespace {

/// An image of the request with what is known of it before it is decoded.
struct SizedImage {
  std::string param;  // the request's field, for errors
  std::string bytes;
  ImageDetail detail = ImageDetail::kAuto;
  TileGrid grid;
  int num_tokens = 0;
};

/// Runs `action`; an Error without a field gets the image's.
template <typename Action>
auto blame(const SizedImage& image, Action action) {
  try {
    return action();
  } catch (const Error& e) {
    if (!e.param().empty()) throw;
    throw Error(e.code(), image.param + ": " + e.what(), image.param);
  }
}

std::vector<SizedImage> fetch_images(const ChatRequest& request, const PrepareContext& context) {
  std::vector<SizedImage> images;
  std::vector<const ImagePart*> parts;
  for (size_t m = 0; m < request.messages.size(); ++m) {
    for (size_t p = 0; p < request.messages[m].content.size(); ++p) {
      const auto* part = std::get_if<ImagePart>(&request.messages[m].content[p]);
      if (part == nullptr) continue;
      parts.push_back(part);
      images.push_back({fmt::format("messages[{}].content[{}].image_url", m, p), {}, part->detail, {}, 0});
    }
  }
  if (images.size() > static_cast<size_t>(context.images.max_images)) {
    throw Error(ErrorCode::kInvalidRequest,
                fmt::format("the request holds {} images; at most {} are allowed", images.size(), context.images.max_images),
                "messages");
  }
  for (size_t i = 0; i < images.size(); ++i) {
    images[i].bytes = load_image_bytes(parts[i]->url, context.fetch, context.images, images[i].param);
  }
  return images;
}

/// Token count of every image, from its header alone.
void size_images(std::vector<SizedImage>& images, const PrepareContext& context) {
  const bool tiling = images.size() <= 2;  // the model was trained to see more images untiled
  for (SizedImage& image : images) {
    image.grid = blame(image, [&] {
      const ImageHeader header = probe_image(image.bytes, context.images);
      check_aspect_ratio(header.width, header.height, context.processor);
      return choose_tile_grid(header.width, header.height, context.processor, tiling && image.detail != ImageDetail::kLow);
    });
    image.num_tokens = count_image_tokens(image.grid, context.processor);
  }
}

std::vector<TemplateMessage> to_template(const std::vector<ChatMessage>& messages) {
  std::vector<TemplateMessage> result;
  int num_images = 0;
  for (const ChatMessage& message : messages) {
    TemplateMessage out{message.role, {}};
    for (const ContentPart& part : message.content) {
      if (const auto* text = std::get_if<TextPart>(&part)) {
        out.parts.emplace_back(text->text);
      } else {
        out.parts.emplace_back(num_images++);
      }
    }
    result.push_back(std::move(out));
  }
  return result;
}

/// Room must be left for at least one token of the answer.
void check_context(int num_tokens, const std::vector<SizedImage>& images, int max_context) {
  if (num_tokens < max_context) return;
  const int num_image_tokens =
      std::accumulate(images.begin(), images.end(), 0, [](int sum, const SizedImage& image) { return sum + image.num_tokens; });
  std::string message =
      fmt::format("the prompt takes {} tokens, but the context holds {} and at least one is for the answer: text {}",
                  num_tokens, max_context, num_tokens - num_image_tokens);
  for (size_t i = 0; i < images.size(); ++i) {
    message += fmt::format(", image {} ({}) {} in {}x{} tiles", i + 1, images[i].param, images[i].num_tokens,
                           images[i].grid.cols, images[i].grid.rows);
  }
  throw Error(ErrorCode::kContextLengthExceeded, message, "messages");
}

/// The pixels of an image, while answers in hand go on: decoding a large one takes as long as many of their tokens.
std::vector<uint8_t> decode_tiles(const SizedImage& image, const PrepareContext& context) {
  return blame(image, [&] {
    return at_low_priority(
        [&] { return make_tiles(decode_image(image.bytes, context.images), image.grid, context.processor); });
  });
}

std::string hash_tiles(const std::vector<uint8_t>& tiles, const TileGrid& grid) {
  return Sha256().update(fmt::format("{}x{}:", grid.cols, grid.rows)).update(tiles.data(), tiles.size()).digest();
}

}  // namespace

PreparedPrompt prepare_prompt(const ChatRequest& request, const PrepareContext& context) {
  std::vector<SizedImage> images = fetch_images(request, context);
  size_images(images, context);

  std::vector<int> image_tokens;
  for (const SizedImage& image : images) image_tokens.push_back(image.num_tokens);
  TemplateIds ids = encode_conversation(to_template(request.messages), image_tokens, *context.tokenizer, context.special);
  check_context(static_cast<int>(ids.token_ids.size()), images, context.max_context);

  PreparedPrompt prompt;
  prompt.token_ids = std::move(ids.token_ids);
  for (size_t i = 0; i < images.size(); ++i) {
    const SizedImage& image = images[i];
    std::vector<uint8_t> tiles = decode_tiles(image, context);
    std::string hash = hash_tiles(tiles, image.grid);
    prompt.images.push_back({image.grid, ids.first_image_token[i], image.num_tokens, std::move(tiles), std::move(hash)});
    prompt.num_image_tokens += image.num_tokens;
  }
  return prompt;
}

}  // namespace spyhop
