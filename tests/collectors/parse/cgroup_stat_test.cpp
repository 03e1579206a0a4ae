#include "collectors/parse/cgroup_stat.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(CgroupStat, Version2IsReadInBytesAndCounts) {
  const auto stat = parse_cgroup_stat(
      "anon 1000\nfile 2000\nkernel 500\nkernel_stack 10\npagetables 20\nsec_pagetables 4\n"
      "percpu 30\nsock 40\nvmalloc 50\nshmem 600\nzswap 70\nzswapped 700\nfile_mapped 80\n"
      "file_dirty 90\nfile_writeback 95\nswapcached 5\ninactive_anon 1\nactive_anon 2\n"
      "inactive_file 3\nactive_file 4\nslab_reclaimable 100\nslab_unreclaimable 200\nslab 300\n"
      "workingset_refault_anon 11\nworkingset_refault_file 12\npgscan 13\npgsteal 14\n"
      "pgscan_kswapd 15\npgmajfault 16\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->anon_bytes, 1000U);
  EXPECT_EQ(stat->cache_bytes, 2000U);
  EXPECT_EQ(stat->kernel_bytes, 500U);
  EXPECT_EQ(stat->secondary_page_tables_bytes, 4U);
  EXPECT_EQ(stat->zswap_bytes, 70U);
  EXPECT_EQ(stat->inactive_file_bytes, 3U);
  EXPECT_EQ(stat->slab_unreclaimable_bytes, 200U);
  EXPECT_EQ(stat->file_refaults, 12U);
  EXPECT_EQ(stat->scanned_pages, 13U);
  EXPECT_EQ(stat->reclaimed_pages, 14U);
  EXPECT_EQ(stat->major_faults, 16U);
  EXPECT_EQ(stat->swap_bytes, std::nullopt);
}

TEST(CgroupStat, Version1CountsTheSubtreeAndNotTheCgroupAlone) {
  const auto stat = parse_cgroup_v1_stat(
      "cache 1\nrss 2\nshmem 3\ntotal_cache 100\ntotal_rss 200\ntotal_shmem 30\n"
      "total_mapped_file 4\ntotal_swap 5\ntotal_inactive_file 6\n"
      "hierarchical_memory_limit 1048576\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->anon_bytes, 200U);
  EXPECT_EQ(stat->cache_bytes, 100U);
  EXPECT_EQ(stat->shmem_bytes, 30U);
  EXPECT_EQ(stat->file_mapped_bytes, 4U);
  EXPECT_EQ(stat->swap_bytes, 5U);
  EXPECT_EQ(stat->hierarchical_limit_bytes, 1048576U);
  EXPECT_EQ(stat->slab_unreclaimable_bytes, std::nullopt);
}

TEST(CgroupStat, TheLargestNumberOfVersion1IsNoLimit) {
  const auto stat =
      parse_cgroup_v1_stat("total_rss 0\nhierarchical_memory_limit 9223372036854771712\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->hierarchical_limit_bytes, std::nullopt);
}

TEST(CgroupStat, OldKernelsFollowOnlyFilePages) {
  const auto stat = parse_cgroup_stat("anon 1\nworkingset_refault 7\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->file_refaults, 7U);
  EXPECT_EQ(stat->anon_refaults, std::nullopt);
}

TEST(CgroupStat, ATextThatWasCutOrIsNoStatIsMalformed) {
  for (const char* text : {"", "anon 1", "file 1\n", "anon\n", "anon x\n", "anon -1\n",
                           "anon 1 2\n", "anon 1\nfile 99999999999999999999\n"}) {
    EXPECT_FALSE(parse_cgroup_stat(text)) << text;
  }
  EXPECT_FALSE(parse_cgroup_v1_stat("rss 1\n"));
}

}  // namespace
}  // namespace heapfloor
