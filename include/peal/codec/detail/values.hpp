// SPDX-License-Identifier: MIT
// Values of described types to their stored form, and back.
#pragma once

#include <peal/codec/detail/kinds.hpp>
#include <peal/codec/wire.hpp>

#include <limits>
#include <string>
#include <utility>

namespace peal::inline v0::detail {

template <class T>
void write_value(wire_writer& w, const T& value);

template <class T>
void write_number(wire_writer& w, T value) {
  if constexpr (std::is_same_v<T, float>) {
    w.float32(value);
  } else if constexpr (std::is_same_v<T, double>) {
    w.float64(value);
  } else if constexpr (std::is_signed_v<T>) {
    w.signed_integer(value);
  } else {
    w.unsigned_integer(value);
  }
}

/// What has values inside it.
template <class T>
void write_compound(wire_writer& w, const T& value) {
  if constexpr (described<T>) {
    w.list(field_count<T>);
    (void)each_field<T>(value, [&](std::string_view, const auto& member) { return write_value(w, member), true; });
  } else if constexpr (time_traits<T>::is_time) {
    if constexpr (time_traits<T>::is_point) {
      write_value(w, value.time_since_epoch().count());
    } else {
      write_value(w, value.count());
    }
  } else if constexpr (list_traits<T>::is_list) {
    w.list(value.size());
    for (const typename list_traits<T>::element& each : value) write_value(w, each);
  } else if constexpr (optional_traits<T>::is_optional) {
    value ? write_value(w, *value) : w.nil();
  } else if constexpr (map_like<T>) {
    w.map(value.size());
    for (const auto& [key, each] : value) {
      write_value(w, key);
      write_value(w, each);
    }
  }
}

template <class T>
void write_value(wire_writer& w, const T& value) {
  check_field<T>();
  if constexpr (std::is_same_v<T, bool>) {
    w.boolean(value);
  } else if constexpr (std::is_enum_v<T>) {
    write_number(w, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (plain_integer<T> || plain_float<T>) {
    write_number(w, value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    w.string(value);
  } else if constexpr (is_byte_vector<T>) {
    w.bytes(value);
  } else {
    write_compound(w, value);
  }
}

/// Reads, and where that fails leaves the way to the failing field in `path`, from the outside in.
class value_reader {
 public:
  explicit value_reader(wire_reader& in) noexcept : in_{in} {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  template <class T>
  bool read(T& value) {
    check_field<T>();
    if constexpr (std::is_same_v<T, bool>) {
      return in_.boolean(value);
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};
      if (!read(number)) return false;
      value = static_cast<T>(number);
      return true;
    } else if constexpr (plain_integer<T>) {
      return read_integer(value);
    } else if constexpr (std::is_same_v<T, float>) {
      return in_.float32(value);
    } else if constexpr (std::is_same_v<T, double>) {
      return in_.float64(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      std::string_view text;
      if (!in_.string(text)) return false;
      value.assign(text);
      return true;
    } else if constexpr (is_byte_vector<T>) {
      std::span<const std::byte> all;
      if (!in_.bytes(all)) return false;
      value.assign(all.begin(), all.end());
      return true;
    } else {
      return read_compound(value);
    }
  }

 private:
  template <class T>
  bool read_compound(T& value) {
    if constexpr (described<T>) {
      return read_fields(value);
    } else if constexpr (time_traits<T>::is_time) {
      typename time_traits<T>::count_type count{};
      if (!read(count)) return false;
      value = T{typename time_traits<T>::length{count}};
      return true;
    } else if constexpr (list_traits<T>::is_list) {
      return read_list(value);
    } else if constexpr (optional_traits<T>::is_optional) {
      if (in_.next() == wire_kind::nil) return value.reset(), in_.nil();
      return read(value.emplace());
    } else if constexpr (map_like<T>) {
      return read_map(value);
    } else {
      return false;
    }
  }

  template <class T>
  bool read_integer(T& value) {
    std::uint64_t bits = 0;
    bool negative = false;
    if (!in_.integer(bits, negative)) return false;
    if constexpr (std::is_signed_v<T>) {
      const auto number = static_cast<std::int64_t>(bits);
      const bool fits = negative ? number >= std::numeric_limits<T>::min()
                                 : bits <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
      if (!fits) return in_.fail("the number does not fit");
      value = static_cast<T>(number);
    } else {
      if (negative || bits > std::numeric_limits<T>::max()) return in_.fail("the number does not fit");
      value = static_cast<T>(bits);
    }
    return true;
  }

  template <class T>
  bool read_fields(T& value) {
    std::size_t n = 0;
    if (!in_.enter_list(n)) return false;
    if (n != field_count<T>) return in_.fail("another number of fields");
    const bool all = each_field<T>(value, [this](std::string_view name, auto& member) {
      if (read(member)) return true;
      put_before(name);
      return false;
    });
    if (all) in_.leave();
    return all;
  }

  template <class T>
  bool read_list(T& value) {
    using traits = list_traits<T>;
    std::size_t n = 0;
    if (!in_.enter_list(n)) return false;
    if constexpr (traits::fixed == 0) {
      value.clear();
      value.reserve(n < first_room ? n : first_room);  // the rest when it has been seen
    } else if (n != traits::fixed) {
      return in_.fail("another number of elements");
    }
    for (std::size_t i = 0; i < n; ++i) {
      bool good = false;
      if constexpr (traits::fixed == 0) {
        typename traits::element each{};
        good = read(each);
        if (good) value.push_back(std::move(each));
      } else {
        good = read(value[i]);
      }
      if (!good) return put_before('[' + std::to_string(i) + ']'), false;
    }
    in_.leave();
    return true;
  }

  template <class T>
  bool read_map(T& value) {
    std::size_t n = 0;
    if (!in_.enter_map(n)) return false;
    value.clear();
    for (std::size_t i = 0; i < n; ++i) {
      typename T::key_type key{};
      typename T::mapped_type each{};
      bool good = read(key) && read(each);
      if (good && !value.emplace(std::move(key), std::move(each)).second) good = in_.fail("a key twice");
      if (!good) return put_before('[' + std::to_string(i) + ']'), false;
    }
    in_.leave();
    return true;
  }

  void put_before(std::string_view step) {
    if (!path_.empty() && path_.front() != '[') path_.insert(0, 1, '.');
    path_.insert(0, step);
  }

  static constexpr std::size_t first_room = 64;

  wire_reader& in_;
  std::string path_;
};

}  // namespace peal::inline v0::detail
