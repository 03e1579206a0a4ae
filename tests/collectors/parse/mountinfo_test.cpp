#include "collectors/parse/mountinfo.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Mountinfo, AHybridHostHasBothKinds) {
  const auto mounts = parse_mountinfo(
      "23 1 0:5 / /sys rw,nosuid - sysfs sysfs rw\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
      "35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n");
  ASSERT_TRUE(mounts);
  ASSERT_EQ(mounts->size(), 3U);
  EXPECT_EQ(mounts->at(0), (CgroupMount{"/sys/fs/cgroup/cpu", false, false, true}));
  EXPECT_EQ(mounts->at(1), (CgroupMount{"/sys/fs/cgroup/memory", false, true, true}));
  EXPECT_EQ(mounts->at(2), (CgroupMount{"/sys/fs/cgroup/unified", true, false, true}));
}

TEST(Mountinfo, AMountPointMayHoldSpacesAndAMountMayShowAPart) {
  const auto mounts = parse_mountinfo(
      "41 31 0:38 /docker/a\\040b /mnt/c\\040g\\134 rw shared:1 master:2 - cgroup2 cgroup2 rw\n");
  ASSERT_TRUE(mounts);
  EXPECT_EQ(mounts->at(0), (CgroupMount{"/mnt/c g\\", true, false, false}));
}

TEST(Mountinfo, ALineWithoutItsMarkOrItsFieldsIsMalformed) {
  EXPECT_FALSE(parse_mountinfo("32 31 0:29 / /sys rw cgroup\n"));
  EXPECT_FALSE(parse_mountinfo("32 31 0:29 / - cgroup cgroup rw,memory\n"));
  ASSERT_TRUE(parse_mountinfo(""));
}

}  // namespace
}  // namespace heapfloor
