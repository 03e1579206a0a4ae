// The files of the web page, bundled from agent/web/src and embedded in the binary at build time.
//
// Thread rule: constant data; any thread at any time.
#pragma once

#include <span>
#include <string_view>

namespace heapfloor {

// One file of the page. All views are of static storage.
struct WebAsset {
  std::string_view path;          // relative to the page's own address: "index.html", "app.js"
  std::string_view content_type;  // value of the header Content-Type
  std::string_view body;          // the file's bytes
  std::string_view packed;        // the same by gzip
  // Values of the header ETag for both, with their quotes; they change when the body does.
  std::string_view etag, packed_etag;
};

// Every file, sorted by path. "index.html" is what `/` answers.
std::span<const WebAsset> web_assets();

}  // namespace heapfloor
