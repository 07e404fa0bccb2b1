#include "runtime/kernels/matmul.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <dnnl.hpp>
#include <memory>
#include <string>
#include <unordered_map>

#include "runtime/kernels/check.h"

namespace spyhop::kernels {
namespace {

using dnnl::memory;

constexpr size_t kMaxPrimitives = 4096;  // far more than a model of fixed widths asks for; about 100 KB each

memory::data_type dnnl_type(at::ScalarType type) {
  return type == at::kFloat ? memory::data_type::f32 : memory::data_type::bf16;
}

struct ShapeHash {
  size_t operator()(const MatmulShape& shape) const {
    size_t hash = static_cast<size_t>(shape.type) * 2 + (shape.has_bias ? 1 : 0);
    const auto mix = [&hash](int64_t value) { hash = hash * 1000003U ^ static_cast<size_t>(value); };
    for (const int64_t value : {shape.batch, shape.m, shape.n, shape.k}) mix(value);
    for (int i = 0; i < 3; ++i) {
      mix(shape.a_strides[i]);
      mix(shape.b_strides[i]);
    }
    return hash;
  }
};

struct Descriptors {
  memory::desc a, b, bias, c;
};

Descriptors describe(const MatmulShape& shape) {
  const memory::data_type type = dnnl_type(shape.type);
  const auto desc = [&](memory::dims dims, memory::dims strides) {
    if (shape.batch == 1) {
      dims.erase(dims.begin());
      strides.erase(strides.begin());
    }
    return memory::desc(dims, type, strides);
  };
  const auto strides = [](const int64_t(&from)[3]) { return memory::dims{from[0], from[1], from[2]}; };
  Descriptors result;
  result.a = desc({shape.batch, shape.m, shape.k}, strides(shape.a_strides));
  result.b = desc({shape.batch, shape.k, shape.n}, strides(shape.b_strides));
  result.bias = desc({1, 1, shape.n}, {shape.n, shape.n, 1});
  result.c = desc({shape.batch, shape.m, shape.n}, {shape.m * shape.n, shape.n, 1});
  return result;
}

dnnl::matmul::primitive_desc primitive_desc(const Descriptors& descs, bool has_bias, const dnnl::engine& engine) {
#if DNNL_VERSION_MAJOR >= 3
  return has_bias ? dnnl::matmul::primitive_desc(engine, descs.a, descs.b, descs.bias, descs.c)
                  : dnnl::matmul::primitive_desc(engine, descs.a, descs.b, descs.c);
#else
  return {has_bias ? dnnl::matmul::desc(descs.a, descs.b, descs.bias, descs.c) : dnnl::matmul::desc(descs.a, descs.b, descs.c),
          engine};
#endif
}

/// One prepared product; the memory objects are pointed at the operands of each call.
class Product {
 public:
  Product(const MatmulShape& shape, const dnnl::engine& engine) : has_bias_(shape.has_bias) {
    const Descriptors descs = describe(shape);
    primitive_ = dnnl::matmul(primitive_desc(descs, has_bias_, engine));
    a_ = memory(descs.a, engine, nullptr);
    b_ = memory(descs.b, engine, nullptr);
    c_ = memory(descs.c, engine, nullptr);
    arguments_ = {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}};
    if (has_bias_) {
      bias_ = memory(descs.bias, engine, nullptr);
      arguments_.emplace(DNNL_ARG_BIAS, bias_);
    }
  }

  void run(const MatmulOperands& operands, const dnnl::stream& stream) {
    a_.set_data_handle(const_cast<void*>(operands.a));
    b_.set_data_handle(const_cast<void*>(operands.b));
    c_.set_data_handle(operands.c);
    if (has_bias_) bias_.set_data_handle(const_cast<void*>(operands.bias));
    primitive_.execute(stream, arguments_);
  }

 private:
  bool has_bias_;
  dnnl::matmul primitive_;
  memory a_, b_, bias_, c_;
  std::unordered_map<int, memory> arguments_;
};

class ProductCache {
 public:
  void run(const MatmulShape& shape, const MatmulOperands& operands) {
    auto found = products_.find(shape);
    if (found == products_.end()) {
      if (products_.size() >= kMaxPrimitives) products_.clear();
      found = products_.emplace(shape, Product(shape, engine_)).first;
    }
    found->second.run(operands, stream_);
    stream_.wait();
  }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::unordered_map<MatmulShape, Product, ShapeHash> products_;
};

void copy_strides(const at::Tensor& tensor, int64_t (&strides)[3]) {
  for (int i = 0; i < 3; ++i) strides[i] = tensor.stride(i);
}

/// oneDNN wants one of the two inner strides to be 1.
at::Tensor with_unit_stride(const at::Tensor& tensor) {
  return tensor.stride(2) == 1 || tensor.stride(1) == 1 ? tensor : tensor.contiguous();
}

}  // namespace

bool MatmulShape::operator==(const MatmulShape& other) const {
  return type == other.type && batch == other.batch && m == other.m && n == other.n && k == other.k &&
         has_bias == other.has_bias && std::equal(a_strides, a_strides + 3, other.a_strides) &&
         std::equal(b_strides, b_strides + 3, other.b_strides);
}

bool dnnl_supports(at::ScalarType type) {
  if (type == at::kFloat) return true;
  if (type != at::kBFloat16) return false;
  static const bool bf16 = [] {
    MatmulShape shape;
    shape.type = at::kBFloat16;
    shape.m = shape.n = shape.k = 16;
    shape.a_strides[1] = shape.b_strides[2] = 16;
    shape.a_strides[2] = shape.b_strides[1] = 1;
    try {
      const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
      primitive_desc(describe(shape), false, engine);
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }();
  return bf16;
}

void dnnl_matmul(const MatmulShape& shape, const MatmulOperands& operands) {
  thread_local ProductCache cache;
  try {
    cache.run(shape, operands);
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::kInternal, "oneDNN matmul of " + std::to_string(shape.batch) + " x [" + std::to_string(shape.m) +
                                          ", " + std::to_string(shape.k) + "] x [" + std::to_string(shape.k) + ", " +
                                          std::to_string(shape.n) + "]: " + error.what());
  }
}

at::Tensor batched_matmul(const at::Tensor& a, const at::Tensor& b) {
  require(a.dim() == 3 && b.dim() == 3 && a.size(0) == b.size(0) && a.size(2) == b.size(1),
          "batched_matmul's shapes do not fit");
  require(a.scalar_type() == b.scalar_type(), "batched_matmul takes one type");
  if (!on_cpu(a) || !is_compute_type(a)) return at::bmm(a, b);
  if (!dnnl_supports(a.scalar_type())) return batched_matmul(a.to(at::kFloat), b.to(at::kFloat)).to(a.scalar_type());
  at::Tensor c = at::empty({a.size(0), a.size(1), b.size(2)}, a.options());
  if (c.numel() == 0) return c;
  const at::Tensor left = with_unit_stride(a);
  const at::Tensor right = with_unit_stride(b);
  MatmulShape shape{a.scalar_type(), a.size(0), a.size(1), b.size(2), a.size(2), {}, {}, false};
  copy_strides(left, shape.a_strides);
  copy_strides(right, shape.b_strides);
  dnnl_matmul(shape, {left.data_ptr(), right.data_ptr(), nullptr, c.data_ptr()});
  return c;
}

int64_t padded_rows(int64_t rows) {
  if (rows <= 8 || rows > 512) return rows;
  const int64_t step = rows <= 64 ? 8 : rows <= 256 ? 16 : 32;
  return (rows + step - 1) / step * step;
}

}  // namespace spyhop::kernels
