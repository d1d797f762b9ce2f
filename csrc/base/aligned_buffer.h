// A block of memory on a cache-line boundary.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace itrt {

inline constexpr std::size_t cache_line = 64;

class AlignedBuffer {
 public:
  AlignedBuffer() = default;

  // `size` bytes, zero.
  explicit AlignedBuffer(std::size_t size)
      : data_(size ? new (std::align_val_t{cache_line}) std::byte[size]() : nullptr), size_(size) {}

  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

  template <class T>
  T* as() {
    return reinterpret_cast<T*>(data_.get());
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_.get());
  }

 private:
  struct Free {
    void operator()(std::byte* data) const { ::operator delete[](data, std::align_val_t{cache_line}); }
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace itrt
