// SPDX-License-Identifier: MIT
// A disk that may lose power: it keeps what was synced apart from what was only written, and makes up what is left.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal_test {

/// What may be left of what was written and not synced.
enum class loss : std::uint8_t {
  all,        ///< nothing of it
  suffix,     ///< the writes up to a moment
  some,       ///< any of the writes
  any_order,  ///< any sector of them, also one that was overwritten later: reordered and torn
  none,       ///< all of it
};
inline constexpr unsigned losses_count = 5;

/// Which writes are left: one answer for all files.
struct remains {
  loss how;
  std::uint64_t cut;   ///< of loss::suffix, the last write that is left
  std::uint64_t salt;  ///< of loss::some
  std::mt19937_64& random;

  bool keeps(std::uint64_t write) const {
    switch (how) {
      case loss::all: return false;
      case loss::suffix: return write <= cut;
      case loss::some: return (((write ^ salt) * 0x9e3779b97f4a7c15U) >> 60 & 1U) != 0;
      case loss::any_order: return random() % 2 == 0;
      case loss::none: break;
    }
    return true;
  }
};

/// A file: whole sectors, each as it was synced and as it was written since.
class simulated_file {
 public:
  static constexpr std::size_t sector = 512;

  explicit simulated_file(std::string synced = {}) : synced_{std::move(synced)}, size_{synced_.size()} {}

  void write(std::uint64_t id, std::uint64_t at, std::string_view bytes) {
    const std::uint64_t end = at + bytes.size();
    while (!bytes.empty()) {
      std::string& now = newest(at / sector, id);
      const std::size_t from = at % sector;
      const std::size_t n = std::min(bytes.size(), sector - from);
      now.replace(from, n, bytes.substr(0, n));
      bytes.remove_prefix(n);
      at += n;
    }
    if (end > size_) resize(id, end);
  }

  void truncate(std::uint64_t id, std::uint64_t size) {
    const std::uint64_t last = std::max<std::uint64_t>(size_, synced_.size());
    for (std::uint64_t s = size / sector; s * sector < last; ++s) {
      const std::uint64_t from = s * sector < size ? size % sector : 0;
      std::string& now = newest(s, id);
      std::fill(now.begin() + static_cast<std::ptrdiff_t>(from), now.end(), '\0');
    }
    resize(id, size);
  }

  void sync() {
    synced_.resize(size_);
    for (const auto& [s, versions] : written_) put(synced_, s, versions.back().second);
    written_.clear();
    sizes_.clear();
  }
  /// A write that returned once it was on the disk, as O_DSYNC has it: this range alone, and the size.
  void sync(std::uint64_t at, std::uint64_t bytes) {
    if (synced_.size() < at + bytes) synced_.resize(at + bytes);
    for (std::uint64_t s = at / sector; s * sector < at + bytes; ++s) {
      const auto found = written_.find(s);
      if (found == written_.end()) continue;
      put(synced_, s, found->second.back().second);
      written_.erase(found);
    }
  }

  [[nodiscard]] std::size_t unsynced() const noexcept { return written_.size(); }

  /// What is left when the power goes.
  [[nodiscard]] std::string after(remains& r) const {
    std::string left = synced_;
    for (const auto& [id, size] : sizes_) {
      if (r.keeps(id)) left.resize(size);
    }
    for (const auto& [s, versions] : written_) {
      const std::string* is = nullptr;
      if (r.how == loss::any_order) {
        const std::size_t which = r.random() % (versions.size() + 1);
        if (which != 0) is = &versions[which - 1].second;
      } else {
        for (const auto& [id, bytes] : versions) is = r.keeps(id) ? &bytes : is;
      }
      if (is != nullptr) put(left, s, *is);
    }
    return left;
  }

 private:
  /// The sector as it is about to be with the write `id`.
  std::string& newest(std::uint64_t s, std::uint64_t id) {
    auto& versions = written_[s];
    if (!versions.empty() && versions.back().first == id) return versions.back().second;
    std::string is(sector, '\0');
    if (!versions.empty()) {
      is = versions.back().second;
    } else if (s * sector < synced_.size()) {
      const std::string_view there = std::string_view{synced_}.substr(s * sector, sector);
      is.replace(0, there.size(), there);
    }
    return versions.emplace_back(id, std::move(is)).second;
  }
  void resize(std::uint64_t id, std::uint64_t size) {
    size_ = size;
    sizes_.emplace_back(id, size);
  }
  static void put(std::string& bytes, std::uint64_t s, std::string_view is) {
    if (s * sector >= bytes.size()) return;
    const std::size_t n = std::min<std::size_t>(sector, bytes.size() - s * sector);
    bytes.replace(s * sector, n, is.substr(0, n));
  }

  std::string synced_;
  std::uint64_t size_;
  std::map<std::uint64_t, std::vector<std::pair<std::uint64_t, std::string>>> written_{};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> sizes_{};
};

/// What of a disk's duties is left out, so that a test can see that it is noticed.
enum class missing : std::uint8_t { nothing, file_syncs, folder_syncs };

/// The files of one folder, until the power goes at a moment that was chosen before.
class simulated_disk {
 public:
  using file = std::shared_ptr<simulated_file>;

  simulated_disk(std::uint64_t seed, missing what) : random_{seed}, missing_{what} {}

  /// The power goes at the `moment`-th write or sync from now on.
  void lose_power_in(std::uint64_t moment, loss how) {
    left_ = moment;
    how_ = how;
    first_id_ = id_;
  }
  void lose_power_now() {
    if (on()) end();
  }
  [[nodiscard]] bool on() const noexcept { return !after_.has_value(); }

  void write(const std::string& name, std::uint64_t at, std::string_view bytes, bool synced) {
    if (!on()) return;
    named(name)->write(++id_, at, bytes);
    ++writes;
    moment();
    if (on() && synced && missing_ != missing::file_syncs) now_[name]->sync(at, bytes.size());
  }
  void truncate(const std::string& name, std::uint64_t size) {
    if (!on()) return;
    named(name)->truncate(++id_, size);
    moment();
  }
  void sync(const std::string& name) {
    if (!on()) return;
    moment();
    ++syncs;
    if (on() && missing_ != missing::file_syncs) named(name)->sync();
  }
  void sync_folder() {
    if (!on()) return;
    moment();
    ++folder_syncs;
    if (on() && missing_ != missing::folder_syncs) entries_ = now_;
  }
  void rename(const std::string& from, const std::string& to) {
    if (!on() || now_.count(from) == 0) return;
    now_[to] = now_[from];
    now_.erase(from);
    moment();
  }
  void remove(const std::string& name) {
    if (!on()) return;
    now_.erase(name);
    moment();
  }

  /// What is on the disk when the power is back; all of it is synced then.
  std::map<std::string, std::string> power_on() {
    const std::map<std::string, std::string> there = *std::exchange(after_, std::nullopt);
    now_.clear();
    for (const auto& [name, bytes] : there) now_[name] = std::make_shared<simulated_file>(bytes);
    entries_ = now_;
    return there;
  }

  std::uint64_t writes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t folder_syncs = 0;
  std::uint64_t unsynced_sectors = 0;  ///< when the power went

 private:
  file& named(const std::string& name) {
    file& f = now_[name];
    if (f == nullptr) f = std::make_shared<simulated_file>();
    return f;
  }
  void moment() {
    if (left_ != 0 && --left_ == 0) end();
  }
  /// A name that was made or removed since the folder was synced is there or not; in order where the writes are.
  void end() {
    left_ = 0;
    after_.emplace();
    const bool old_names = how_ == loss::all || ((how_ == loss::some || how_ == loss::any_order) && random_() % 2 == 0);
    std::map<std::string, file> names = now_;
    if (old_names) names = entries_;
    if (how_ == loss::any_order) {
      for (const auto& [name, f] : random_() % 2 == 0 ? entries_ : now_) names[name] = f;
    }
    remains r{how_, first_id_ + random_() % (id_ - first_id_ + 1), random_(), random_};
    for (const auto& [name, f] : names) {
      unsynced_sectors += f->unsynced();
      (*after_)[name] = f->after(r);
    }
  }

  std::mt19937_64 random_;
  missing missing_;
  std::map<std::string, file> now_{};
  std::map<std::string, file> entries_{};  // as the folder was synced
  std::optional<std::map<std::string, std::string>> after_{};
  std::uint64_t id_ = 0;
  std::uint64_t first_id_ = 0;
  std::uint64_t left_ = 0;
  loss how_ = loss::all;
};

}  // namespace peal_test
