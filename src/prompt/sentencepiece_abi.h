// What the SentencePiece plug-in and the program that loads it agree on. Plain C: the two share no C++ symbols, since
// libsentencepiece and libtorch bring clashing ones.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

/// Raised whenever the struct below changes.
constexpr int kSpyhopSentencePieceAbi = 1;
constexpr const char* kSpyhopSentencePieceSymbol = "spyhop_sentencepiece_api";

struct SpyhopSentencePieceModel;

/// Receives a result; `context` is passed through.
using SpyhopBytesSink = void (*)(void* context, const char* data, size_t size);
using SpyhopIdsSink = void (*)(void* context, const int* ids, size_t size);

enum SpyhopPieceKind { kSpyhopNormalPiece, kSpyhopControlPiece, kSpyhopUnknownPiece, kSpyhopBytePiece };

/// Functions of the plug-in. None of them throws. Those that can fail return false and give the reason to `error`.
/// Thread safety: all but `load` and `release` may be called from any thread.
struct SpyhopSentencePieceApi {
  int abi;

  /// A model from the bytes of a tokenizer.model, or null.
  SpyhopSentencePieceModel* (*load)(const char* data, size_t size, SpyhopBytesSink error, void* context);
  void (*release)(SpyhopSentencePieceModel* model);

  int (*num_pieces)(const SpyhopSentencePieceModel* model);
  /// `id` must be below num_pieces. The text lives as long as the model.
  const char* (*piece_text)(const SpyhopSentencePieceModel* model, int id, size_t* size);
  SpyhopPieceKind (*piece_kind)(const SpyhopSentencePieceModel* model, int id);
  /// -1 where the model has none.
  int (*bos_id)(const SpyhopSentencePieceModel* model);
  int (*eos_id)(const SpyhopSentencePieceModel* model);
  int (*pad_id)(const SpyhopSentencePieceModel* model);

  bool (*encode)(const SpyhopSentencePieceModel* model, const char* text, size_t size, SpyhopIdsSink ids, SpyhopBytesSink error,
                 void* context);
  /// Every id must be below num_pieces.
  bool (*decode)(const SpyhopSentencePieceModel* model, const int* ids, size_t size, SpyhopBytesSink text,
                 SpyhopBytesSink error, void* context);
};

}  // extern "C"
