// The numbers of profile.proto's fields, which its writer and its reader share. Source:
// google/pprof, proto/profile.proto.
#pragma once

#include <cstdint>

namespace heapfloor::field {

namespace profile {
inline constexpr std::uint32_t kSampleTypes = 1, kSamples = 2, kMappings = 3, kLocations = 4,
                               kFunctions = 5, kStrings = 6, kDropFrames = 7, kTime = 9,
                               kDuration = 10, kPeriodType = 11, kPeriod = 12, kComments = 13,
                               kDefaultType = 14;
}  // namespace profile

namespace value_type {
inline constexpr std::uint32_t kType = 1, kUnit = 2;
}  // namespace value_type

namespace sample {
inline constexpr std::uint32_t kLocations = 1, kValues = 2, kLabels = 3;
}  // namespace sample

namespace label {
inline constexpr std::uint32_t kKey = 1, kText = 2;
}  // namespace label

namespace mapping {
inline constexpr std::uint32_t kId = 1, kStart = 2, kEnd = 3, kOffset = 4, kFile = 5, kBuildId = 6,
                               kHasFunctions = 7, kHasFilenames = 8, kHasLines = 9,
                               kHasInlines = 10;
}  // namespace mapping

namespace location {
inline constexpr std::uint32_t kId = 1, kMapping = 2, kAddress = 3, kLines = 4;
}  // namespace location

namespace line {
inline constexpr std::uint32_t kFunction = 1, kLine = 2;
}  // namespace line

namespace function {
inline constexpr std::uint32_t kId = 1, kName = 2, kSystemName = 3, kFile = 4;
}  // namespace function

}  // namespace heapfloor::field
