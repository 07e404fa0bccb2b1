#include "prompt/prepare.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "common/low_priority.h"
#include "common/sha256.h"
#include "prompt/chat_template.h"
#include "prompt/image_source.h"

namespace spyhop {
namespace {

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
      SizedImage image;
      image.param = fmt::format("messages[{}].content[{}].image_url", m, p);
      image.detail = part->detail;
      images.push_back(std::move(image));
    }
  }
  if (images.size() > static_cast<size_t>(context.images.max_images)) {
    throw Error(ErrorCode::kInvalidRequest,
                fmt::format("the request holds {} images; at most {} are allowed", images.size(), context.images.max_images),
                "messages");
  }
  for (size_t i = 0; i < images.size(); ++i) {
    images[i].bytes =
        parts[i]->bytes ? *parts[i]->bytes : load_image_bytes(parts[i]->url, context.fetch, context.images, images[i].param);
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
      image.width = header.width;
      image.height = header.height;
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

/// Tiles images less, the one that takes most first, until the conversation leaves `room`, as far as that goes.
void lower_detail(std::vector<SizedImage>& images, int num_text_tokens, int room, const ProcessorConfig& processor) {
  const auto num_tiles = [](const SizedImage& image) { return image.grid.cols * image.grid.rows; };
  for (;;) {
    int total = num_text_tokens;
    for (const SizedImage& image : images) total += image.num_tokens;
    const auto most = std::max_element(images.begin(), images.end(),
                                       [](const SizedImage& a, const SizedImage& b) { return a.num_tokens < b.num_tokens; });
    if (total <= room || most == images.end() || num_tiles(*most) <= 1) return;
    most->grid = choose_tile_grid(most->width, most->height, processor, /*cropping=*/true, num_tiles(*most) - 1);
    most->num_tokens = count_image_tokens(most->grid, processor);
    most->is_lowered = true;
  }
}

void check_continuation(const ChatRequest& request) {
  if (request.prompt_end != PromptEnd::kContinued) return;
  if (!request.messages.empty() && request.messages.back().role == Role::kAssistant) return;
  throw Error(ErrorCode::kInvalidRequest,
              "continue_final_message is true, but the last message is not the assistant's; allowed: false",
              "continue_final_message");
}

/// Room must be left for at least one token of the answer.
void check_context(const PromptLayout& layout, const std::string& param, int max_context) {
  const auto num_tokens = static_cast<int>(layout.token_ids.size());
  if (num_tokens < max_context) return;
  std::string message =
      fmt::format("the prompt takes {} tokens, but the context holds {} and at least one is for the answer: text {}",
                  num_tokens, max_context, num_tokens - layout.num_image_tokens());
  for (size_t i = 0; i < layout.images.size(); ++i) {
    const SizedImage& image = layout.images[i];
    message += fmt::format(", image {} ({}) {} in {}x{} tiles", i + 1, image.param, image.num_tokens, image.grid.cols,
                           image.grid.rows);
  }
  throw Error(ErrorCode::kContextLengthExceeded, message, param);
}

/// Without images. Text of a plain prompt is held to the same special tokens as that of a message.
PromptLayout lay_out_plain(const PlainPrompt& prompt, const PrepareContext& context) {
  PromptLayout layout;
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&prompt.content)) {
    for (size_t i = 0; i < ids->size(); ++i) {
      const std::string param = fmt::format("prompt[{}]", i);
      check_token_id((*ids)[i], context.vocab_size, param);
      if ((*ids)[i] != context.tokenizer->special_ids().image) continue;
      throw Error(ErrorCode::kInvalidRequest,
                  fmt::format("{} is {}, which stands for an image; allowed: tokens of texts", param, (*ids)[i]), param);
    }
    layout.token_ids = *ids;
  } else {
    if (prompt.add_special_tokens) layout.token_ids.push_back(context.tokenizer->special_ids().bos);
    const std::vector<int32_t> text = context.tokenizer->encode(std::get<std::string>(prompt.content), context.special);
    layout.token_ids.insert(layout.token_ids.end(), text.begin(), text.end());
  }
  if (layout.token_ids.empty()) {
    throw Error(ErrorCode::kInvalidRequest, "prompt is empty; allowed: at least one token", "prompt");
  }
  return layout;
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

int PromptLayout::num_image_tokens() const {
  return std::accumulate(images.begin(), images.end(), 0,
                         [](int sum, const SizedImage& image) { return sum + image.num_tokens; });
}

void check_token_id(int32_t id, int vocab_size, const std::string& param) {
  if (id >= 0 && id < vocab_size) return;
  throw Error(ErrorCode::kInvalidRequest,
              fmt::format("{} names token {}; the vocabulary has 0 to {}", param, id, vocab_size - 1), param);
}

std::vector<ImageUse> PromptLayout::image_use() const {
  std::vector<ImageUse> uses;
  for (const SizedImage& image : images) {
    uses.push_back({image.width, image.height, image.grid.cols, image.grid.rows, image.num_tokens, image.is_lowered});
  }
  return uses;
}

PromptLayout lay_out_prompt(const ChatRequest& request, const PrepareContext& context) {
  if (request.prompt) return lay_out_plain(*request.prompt, context);
  check_continuation(request);
  PromptLayout layout;
  layout.images = fetch_images(request, context);
  size_images(layout.images, context);
  const auto encode = [&] {
    std::vector<int> image_tokens;
    for (const SizedImage& image : layout.images) image_tokens.push_back(image.num_tokens);
    return encode_conversation(to_template(request.messages), image_tokens, *context.tokenizer, context.special,
                               request.prompt_end);
  };
  TemplateIds ids = encode();
  if (request.auto_detail) {
    const int num_text_tokens = static_cast<int>(ids.token_ids.size()) - layout.num_image_tokens();
    const int room = context.max_context - request.max_tokens.value_or(kAutoDetailRoom);
    lower_detail(layout.images, num_text_tokens, room, context.processor);
    ids = encode();
  }
  layout.token_ids = std::move(ids.token_ids);
  layout.first_image_token = std::move(ids.first_image_token);
  return layout;
}

PreparedPrompt prepare_prompt(const ChatRequest& request, const PrepareContext& context) {
  PromptLayout layout = lay_out_prompt(request, context);
  check_context(layout, request.prompt ? "prompt" : "messages", context.max_context);

  PreparedPrompt prompt;
  prompt.num_image_tokens = layout.num_image_tokens();
  prompt.image_use = layout.image_use();
  prompt.token_ids = std::move(layout.token_ids);
  for (size_t i = 0; i < layout.images.size(); ++i) {
    const SizedImage& image = layout.images[i];
    std::vector<uint8_t> tiles = decode_tiles(image, context);
    std::string hash = hash_tiles(tiles, image.grid);
    prompt.images.push_back({image.grid, layout.first_image_token[i], image.num_tokens, std::move(tiles), std::move(hash)});
  }
  return prompt;
}

}  // namespace spyhop
