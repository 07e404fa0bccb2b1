// The plug-in around libsentencepiece: built as a module, loaded only for a checkpoint with a tokenizer.model.
#include <sentencepiece_processor.h>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/sentencepiece_abi.h"

struct SpyhopSentencePieceModel {
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

using Model = SpyhopSentencePieceModel;

bool report(SpyhopBytesSink error, void* context, std::string_view reason) {
  error(context, reason.data(), reason.size());
  return false;
}

/// Runs `body`, which returns a status; nothing may be thrown across the plug-in's border.
template <class Body>
bool guarded(SpyhopBytesSink error, void* context, const Body& body) {
  try {
    const sentencepiece::util::Status status = body();
    return status.ok() || report(error, context, status.error_message());
  } catch (const std::exception& e) {
    return report(error, context, e.what());
  } catch (...) {
    return report(error, context, "unknown exception");
  }
}

Model* load(const char* data, size_t size, SpyhopBytesSink error, void* context) {
  std::unique_ptr<Model> model;
  const bool is_loaded = guarded(error, context, [&] {
    model = std::make_unique<Model>();
    return model->processor.LoadFromSerializedProto({data, size});
  });
  return is_loaded ? model.release() : nullptr;
}

void release(Model* model) {
  delete model;
}

int num_pieces(const Model* model) {
  return model->processor.GetPieceSize();
}

const char* piece_text(const Model* model, int id, size_t* size) {
  const std::string& piece = model->processor.IdToPiece(id);
  *size = piece.size();
  return piece.data();
}

SpyhopPieceKind piece_kind(const Model* model, int id) {
  if (model->processor.IsControl(id)) return kSpyhopControlPiece;
  if (model->processor.IsUnknown(id)) return kSpyhopUnknownPiece;
  return model->processor.IsByte(id) ? kSpyhopBytePiece : kSpyhopNormalPiece;
}

int bos_id(const Model* model) {
  return model->processor.bos_id();
}

int eos_id(const Model* model) {
  return model->processor.eos_id();
}

int pad_id(const Model* model) {
  return model->processor.pad_id();
}

bool encode(const Model* model, const char* text, size_t size, SpyhopIdsSink sink, SpyhopBytesSink error, void* context) {
  std::vector<int> ids;
  const bool ok = guarded(error, context, [&] { return model->processor.Encode({text, size}, &ids); });
  if (ok) sink(context, ids.data(), ids.size());
  return ok;
}

bool decode(const Model* model, const int* ids, size_t size, SpyhopBytesSink sink, SpyhopBytesSink error, void* context) {
  std::string text;
  const bool ok = guarded(error, context, [&] { return model->processor.Decode(std::vector<int>(ids, ids + size), &text); });
  if (ok) sink(context, text.data(), text.size());
  return ok;
}

constexpr SpyhopSentencePieceApi kApi = {
    kSpyhopSentencePieceAbi, load, release, num_pieces, piece_text, piece_kind, bos_id, eos_id, pad_id, encode, decode};

}  // namespace

extern "C" __attribute__((visibility("default"))) const SpyhopSentencePieceApi* spyhop_sentencepiece_api() {
  return &kApi;
}
