#include "agent/exposition/page_cache.h"

#include <zlib.h>

#include <new>
#include <utility>

namespace heapfloor {

PageCache::PageCache(const MetricFamilies& families, SelfMetrics& self)
    : families_(families), self_(self), page_(families, {&self.collectable()}) {}

void PageCache::publish(std::shared_ptr<const Snapshot> snapshot) {
  Bodies bodies;
  {
    const std::lock_guard lock(mutex_);
    std::swap(snapshot_, snapshot);
    std::swap(bodies_, bodies);
  }
  // The old snapshot and pages are freed here, outside the lock.
}

std::shared_ptr<const Snapshot> PageCache::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

PageCache::Body PageCache::page(ExpositionFormat format, ContentEncoding encoding) {
  if (Body body = cached(format, encoding)) return body;
  const std::lock_guard rendering(render_mutex_);
  if (Body body = cached(format, encoding)) return body;
  const std::shared_ptr<const Snapshot> current = snapshot();
  if (!current) return nullptr;
  Body plain = cached(format, ContentEncoding::identity);
  if (!plain) {
    plain = body_of(page_.render(*current, format, {}, room_->take()));
    self_.page_rendered(format, plain->size());
    keep(current, format, ContentEncoding::identity, plain);
  }
  if (encoding == ContentEncoding::identity) return plain;
  Body compressed = std::make_shared<const std::string>(gzip_compress(*plain));
  keep(current, format, encoding, compressed);
  return compressed;
}

PageCache::Body PageCache::filtered_page(ExpositionFormat format, ContentEncoding encoding,
                                         const PageFilter& filter) {
  if (filter.shows_all()) return page(format, encoding);
  const std::shared_ptr<const Snapshot> current = snapshot();
  if (!current) return nullptr;
  std::string plain;
  {
    const std::lock_guard rendering(render_mutex_);
    plain = page_.render(*current, format, filter);
  }
  return std::make_shared<const std::string>(
      encoding == ContentEncoding::gzip ? gzip_compress(plain) : std::move(plain));
}

// Of two, the larger one is kept: a page of one size fits it every time.
void PageCache::Room::give(std::string page) noexcept {
  const std::lock_guard lock(mutex_);
  if (page.capacity() > page_.capacity()) std::swap(page_, page);
}

std::string PageCache::Room::take() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(page_, {});
}

PageCache::Body PageCache::body_of(std::string text) const {
  auto owned = std::make_unique<std::string>(std::move(text));
  const auto give_back = [room = room_](std::string* page) {
    room->give(std::move(*page));
    std::default_delete<std::string>()(page);
  };
  return {owned.release(), give_back};
}

PageCache::Body& PageCache::slot(Bodies& bodies, ExpositionFormat format,
                                 ContentEncoding encoding) const {
  return bodies.at(static_cast<std::size_t>(format)).at(static_cast<std::size_t>(encoding));
}

PageCache::Body PageCache::cached(ExpositionFormat format, ContentEncoding encoding) {
  const std::lock_guard lock(mutex_);
  return slot(bodies_, format, encoding);
}

void PageCache::keep(const std::shared_ptr<const Snapshot>& of, ExpositionFormat format,
                     ContentEncoding encoding, Body body) {
  const std::lock_guard lock(mutex_);
  if (snapshot_ == of) slot(bodies_, format, encoding) = std::move(body);
}

std::string gzip_compress(const std::string& text) {
  constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to ask for a gzip header
  constexpr int kMemoryLevel = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string out(deflateBound(&stream, text.size()), '\0');
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-*): zlib reads bytes and takes a pointer to non-const
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-*)
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);  // cannot fail: the output has room for the worst case
  out.resize(stream.total_out);
  deflateEnd(&stream);
  out.shrink_to_fit();
  return out;
}

}  // namespace heapfloor
