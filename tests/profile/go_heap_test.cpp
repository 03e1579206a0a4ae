#include "agent/profile/go_heap.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {
namespace {

std::string container(const std::vector<std::string_view>& functions) {
  return std::string(go_container_of(functions).value_or("none"));
}

TEST(GoHeap, WhatAnAllocationWasForIsReadFromTheRuntimesFunctions) {
  EXPECT_EQ(container({"runtime.newarray", "runtime.makeBucketArray", "runtime.hashGrow",
                       "runtime.mapassign_fast64", "main.put", "main.main"}),
            "map");
  EXPECT_EQ(container({"runtime.makeslice", "main.read", "runtime.main"}), "slice");
  EXPECT_EQ(container({"runtime.convT64", "main.box"}), "interface");
  EXPECT_EQ(container({"runtime.newobject", "sync.newEntry", "sync.(*Map).Store", "main.store"}),
            "sync.Map");
  EXPECT_EQ(container({"runtime.growslice", "strings.(*Builder).WriteString", "main.write"}),
            "slice");
  EXPECT_EQ(container({"", "runtime.malg", "runtime.newproc1", "main.handle"}), "goroutine");
}

TEST(GoHeap, WhatAProgramAsksForItselfIsInNoContainer) {
  EXPECT_EQ(container({"runtime.newobject", "main.grow", "main.put"}), "none");
  EXPECT_EQ(container({"runtime.newobject", "main.callback", "runtime.mapassign"}), "none");
  EXPECT_EQ(container({}), "none");
}

TEST(GoHeap, GosOwnLibraryIsToldFromPrograms) {
  EXPECT_TRUE(is_go_library_function("net/http.(*conn).serve"));
  EXPECT_TRUE(is_go_library_function("runtime.mallocgc"));
  EXPECT_TRUE(is_go_library_function("sync.(*Map).Store"));
  EXPECT_FALSE(is_go_library_function("main.main"));
  EXPECT_FALSE(is_go_library_function("github.com/example/cache.(*Cache).Put"));
  EXPECT_FALSE(is_go_library_function("runtimes.Make"));
  EXPECT_FALSE(is_go_library_function(""));
}

TEST(GoHeap, TheSitesBeyondTheLargestAreOneWithoutAStack) {
  GoSites sites;
  sites.rate_bytes = 512;
  sites.sites = {{3, 0xabc, {1, 2}, 4, 5, 6, 7}};
  sites.rest.live_bytes = 9;
  sites.live_bytes = 16;
  sites.stacks = 5;
  const HeapSites heap = heap_sites_of(sites);
  EXPECT_TRUE(heap.is_go);
  EXPECT_EQ(heap.interval_bytes, 512);
  ASSERT_EQ(heap.sites.size(), 2U);
  EXPECT_EQ(heap.sites[0].stack_hash, 0xabcU);
  EXPECT_EQ(heap.sites[0].live_bytes, 7);
  EXPECT_TRUE(heap.sites[1].frames.empty());
  EXPECT_EQ(heap.sites[1].live_bytes, 9);
}

}  // namespace
}  // namespace heapfloor
