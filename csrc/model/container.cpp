#include "model/container.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/checked.h"
#include "base/errors.h"
#include "model/crc32.h"
#include "model/field.h"
#include "model/json.h"

namespace itrt::model {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::size_t max_header_bytes = std::size_t{16} << 20;
constexpr std::string_view checksum_key = "\"checksum\":\"";
constexpr std::size_t checksum_digits = 8;

[[noreturn]] void fail(const std::string& what, const std::string& expected, const std::string& found) {
  throw ModelFileError("model file: " + what + ": expected " + expected + ", found " + found);
}

std::string_view header_text(std::span<const std::uint8_t> file) {
  if (file.size() < length_bytes) fail("size", "at least 8 bytes", std::to_string(file.size()));
  std::uint64_t length = 0;
  for (std::size_t index = length_bytes; index-- > 0;) length = length << 8 | file[index];
  const std::size_t limit = std::min(max_header_bytes, file.size() - length_bytes);
  if (length > limit) {
    fail("header length", "at most " + std::to_string(limit) + " (an itrt file that is not truncated)",
         std::to_string(length));
  }
  return {reinterpret_cast<const char*>(file.data()) + length_bytes, static_cast<std::size_t>(length)};
}

std::string to_hexadecimal(std::uint32_t value) {
  std::string text(checksum_digits, '0');
  for (std::size_t index = checksum_digits; index-- > 0; value >>= 4) text[index] = "0123456789abcdef"[value & 15];
  return text;
}

// The checksum covers the file with its own digits replaced by zeros.
void check_checksum(std::span<const std::uint8_t> file, std::string_view header, std::string_view stored) {
  const std::size_t key = header.find(checksum_key);
  const std::size_t at = length_bytes + key + checksum_key.size();
  if (key == std::string_view::npos || at + checksum_digits > length_bytes + header.size()) {
    fail("checksum", "eight hexadecimal digits", std::string(stored));
  }
  static constexpr std::uint8_t zeros[checksum_digits + 1] = "00000000";
  std::uint32_t value = crc32(file.first(at));
  value = crc32(std::span(zeros, checksum_digits), value);
  value = crc32(file.subspan(at + checksum_digits), value);
  const std::string computed = to_hexadecimal(value);
  if (computed != stored) fail("checksum", std::string(stored), computed + " (the file is damaged)");
}

std::int64_t bytes_per_element(const Field& dtype) {
  const std::string& name = dtype.string();
  if (name == "I8" || name == "U8") return 1;
  if (name == "I16") return 2;
  if (name == "I32" || name == "F32") return 4;
  dtype.fail("I8, U8, I16, I32 or F32", name);
}

Blob read_blob(const Field& entry, std::span<const std::uint8_t> data) {
  entry.only_keys({"dtype", "shape", "data_offsets"});
  Blob blob;
  blob.dtype = entry["dtype"].string();
  blob.shape = entry["shape"].integers(0, INT64_MAX);
  std::optional<std::int64_t> size = bytes_per_element(entry["dtype"]);
  for (const std::int64_t extent : blob.shape) size = size ? checked_multiply(*size, extent) : size;
  const std::vector<std::int64_t> offsets = entry["data_offsets"].integers(0, static_cast<std::int64_t>(data.size()));
  if (offsets.size() != 2 || !size || offsets[1] < offsets[0] || offsets[1] - offsets[0] != *size) {
    entry["data_offsets"].fail("begin and end as far apart as dtype and shape say", "something else");
  }
  blob.bytes = data.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(*size));
  return blob;
}

// Blobs must tile the data: no byte outside a blob, none in two.
void check_layout(const std::map<std::string, Blob>& blobs, std::span<const std::uint8_t> data) {
  std::vector<std::span<const std::uint8_t>> spans;
  for (const auto& [name, blob] : blobs) spans.push_back(blob.bytes);
  std::sort(spans.begin(), spans.end(),
            [](const auto& a, const auto& b) { return std::pair(a.data(), a.size()) < std::pair(b.data(), b.size()); });
  const std::uint8_t* end = data.data();
  for (const auto& span : spans) {
    if (span.data() != end) fail("data", "blobs without gaps and overlaps", "a blob that begins elsewhere");
    end += span.size();
  }
  if (end != data.data() + data.size()) fail("data", "nothing behind the last blob", "more bytes");
}

}  // namespace

Container read_container(std::span<const std::uint8_t> file) {
  const std::string_view text = header_text(file);
  const std::span<const std::uint8_t> data = file.subspan(length_bytes + text.size());
  const json::Value document = json::parse(text);
  const Field header(document, "header");
  const Field metadata = header["__metadata__"];
  if (const std::string& format = metadata["format"].string(); format != "itrt")
    metadata["format"].fail("itrt", format);
  if (const std::string& version = metadata["format_version"].string(); version != "3") {
    metadata["format_version"].fail("3 (this itrt reads no other)", version);
  }
  metadata.only_keys({"format", "format_version", "checksum", "program"});
  check_checksum(file, text, metadata["checksum"].string());

  Container container;
  container.program = metadata["program"].string();
  for (const auto& [name, value] : header.object()) {
    if (name != "__metadata__") container.blobs.emplace(name, read_blob(Field(value, "header." + name), data));
  }
  check_layout(container.blobs, data);
  return container;
}

}  // namespace itrt::model
