// The metrics of a process, by name, for those who pick some of them out of the samples (by
// address: there is one object of each). The exposition makes the group families from group_rule
// and group_name.
#pragma once

#include <array>
#include <string_view>

#include "collectors/metric_table.h"
#include "collectors/sample.h"

namespace heapfloor {

constexpr MetricDesc resident_memory(std::string_view kind) {
  return {.name = "heapfloor_process_resident_memory_bytes",
          .help =
              "Resident memory by kind; the kinds are disjoint and sum up to RSS (status RssAnon, "
              "RssFile, RssShmem; before Linux 4.5 only anon, statm resident minus shared).",
          .label_name = "kind",
          .label_value = kind,
          .group_rule = GroupRule::sum,
          .group_name = "heapfloor_group_resident_memory_bytes"};
}

constexpr MetricDesc unreadable_source(std::string_view source) {
  return {.name = "heapfloor_process_unreadable",
          .help = "1 while the named source of this process cannot be read.",
          .label_name = "source",
          .label_value = source};
}

inline constexpr std::array kProcessMetrics = {
    resident_memory("anon"),
    resident_memory("file"),
    resident_memory("shmem"),
    MetricDesc{"heapfloor_process_resident_memory_peak_bytes",
               "Largest RSS since the start of the program (status VmHWM).", MetricType::gauge, "",
               "", GroupRule::maximum, "heapfloor_group_resident_memory_peak_bytes"},
    MetricDesc{"heapfloor_process_virtual_memory_bytes",
               "Mapped address space (status VmSize, stat vsize).", MetricType::gauge, "", "",
               GroupRule::sum, "heapfloor_group_virtual_memory_bytes"},
    MetricDesc{"heapfloor_process_data_memory_bytes",
               "Private writable mappings, resident or not (status VmData).", MetricType::gauge, "",
               "", GroupRule::sum, "heapfloor_group_data_memory_bytes"},
    MetricDesc{"heapfloor_process_page_table_bytes", "Page tables (status VmPTE).",
               MetricType::gauge, "", "", GroupRule::sum, "heapfloor_group_page_table_bytes"},
    MetricDesc{"heapfloor_process_locked_memory_bytes", "Memory locked into RAM (status VmLck).",
               MetricType::gauge, "", "", GroupRule::sum, "heapfloor_group_locked_memory_bytes"},
    MetricDesc{"heapfloor_process_hugetlb_memory_bytes",
               "Memory in hugetlbfs pages, which RSS does not count (status HugetlbPages).",
               MetricType::gauge, "", "", GroupRule::sum, "heapfloor_group_hugetlb_memory_bytes"},
    MetricDesc{"heapfloor_process_swap_bytes",
               "Anonymous memory that is swapped out (status VmSwap).", MetricType::gauge, "", "",
               GroupRule::sum, "heapfloor_group_swap_bytes"},
    MetricDesc{"heapfloor_process_threads", "Threads (stat num_threads).", MetricType::gauge, "",
               "", GroupRule::sum, "heapfloor_group_threads"},
    MetricDesc{"heapfloor_process_file_descriptors",
               "Open file descriptors (size of /proc/PID/fd; before Linux 6.2 its entries, where "
               "they may be listed).",
               MetricType::gauge, "", "", GroupRule::sum, "heapfloor_group_file_descriptors"},
    MetricDesc{"heapfloor_process_file_descriptors_limit",
               "Soft limit of open file descriptors (RLIMIT_NOFILE, /proc/PID/limits).",
               MetricType::gauge},
    MetricDesc{"heapfloor_process_address_space_limit_bytes",
               "Soft limit of mapped address space (RLIMIT_AS, /proc/PID/limits, read rarely); "
               "absent where there is none.",
               MetricType::gauge},
    MetricDesc{"heapfloor_process_data_limit_bytes",
               "Soft limit of private writable mappings (RLIMIT_DATA, /proc/PID/limits, read "
               "rarely); absent where there is none.",
               MetricType::gauge},
    MetricDesc{"heapfloor_process_memory_mappings",
               "Mappings, of which vm.max_map_count allows so many (lines of /proc/PID/maps, read "
               "rarely).",
               MetricType::gauge, "", "", GroupRule::maximum,
               "heapfloor_group_memory_mappings_max"},
    MetricDesc{
        "heapfloor_process_oom_score",
        "How likely the kernel's OOM killer is to choose it, 0 to 2000 (/proc/PID/oom_score, "
        "read rarely).",
        MetricType::gauge, "", "", GroupRule::maximum, "heapfloor_group_oom_score_max"},
    MetricDesc{
        "heapfloor_process_cpu_seconds_total",
        "CPU time in user and kernel mode (stat utime, stime), the load that memory may follow; up "
        "to 16 intervals old while the memory does not move.",
        MetricType::counter, "", "", GroupRule::sum, "heapfloor_group_cpu_seconds_total"},
    MetricDesc{"heapfloor_process_minor_page_faults_total",
               "Page faults without a disk read (stat minflt).", MetricType::counter, "", "",
               GroupRule::sum, "heapfloor_group_minor_page_faults_total"},
    MetricDesc{"heapfloor_process_major_page_faults_total",
               "Page faults that waited for a disk read (stat majflt).", MetricType::counter, "",
               "", GroupRule::sum, "heapfloor_group_major_page_faults_total"},
    unreadable_source("status"),
    unreadable_source("exe"),
    unreadable_source("cmdline"),
    unreadable_source("cgroup"),
    unreadable_source("maps"),
};

inline constexpr const MetricDesc& kProcessResidentAnon =
    find_metric(kProcessMetrics, "heapfloor_process_resident_memory_bytes", "anon");
inline constexpr const MetricDesc& kProcessResidentFile =
    find_metric(kProcessMetrics, "heapfloor_process_resident_memory_bytes", "file");
inline constexpr const MetricDesc& kProcessResidentShmem =
    find_metric(kProcessMetrics, "heapfloor_process_resident_memory_bytes", "shmem");
inline constexpr const MetricDesc& kProcessResidentPeak =
    find_metric(kProcessMetrics, "heapfloor_process_resident_memory_peak_bytes");
inline constexpr const MetricDesc& kProcessVirtual =
    find_metric(kProcessMetrics, "heapfloor_process_virtual_memory_bytes");
inline constexpr const MetricDesc& kProcessData =
    find_metric(kProcessMetrics, "heapfloor_process_data_memory_bytes");
inline constexpr const MetricDesc& kProcessPageTable =
    find_metric(kProcessMetrics, "heapfloor_process_page_table_bytes");
inline constexpr const MetricDesc& kProcessLocked =
    find_metric(kProcessMetrics, "heapfloor_process_locked_memory_bytes");
inline constexpr const MetricDesc& kProcessHugetlb =
    find_metric(kProcessMetrics, "heapfloor_process_hugetlb_memory_bytes");
inline constexpr const MetricDesc& kProcessSwap =
    find_metric(kProcessMetrics, "heapfloor_process_swap_bytes");
inline constexpr const MetricDesc& kProcessThreads =
    find_metric(kProcessMetrics, "heapfloor_process_threads");
inline constexpr const MetricDesc& kProcessDescriptors =
    find_metric(kProcessMetrics, "heapfloor_process_file_descriptors");
inline constexpr const MetricDesc& kProcessDescriptorLimit =
    find_metric(kProcessMetrics, "heapfloor_process_file_descriptors_limit");
inline constexpr const MetricDesc& kProcessAddressSpaceLimit =
    find_metric(kProcessMetrics, "heapfloor_process_address_space_limit_bytes");
inline constexpr const MetricDesc& kProcessDataLimit =
    find_metric(kProcessMetrics, "heapfloor_process_data_limit_bytes");
inline constexpr const MetricDesc& kProcessMappings =
    find_metric(kProcessMetrics, "heapfloor_process_memory_mappings");
inline constexpr const MetricDesc& kProcessOomScore =
    find_metric(kProcessMetrics, "heapfloor_process_oom_score");
inline constexpr const MetricDesc& kProcessCpu =
    find_metric(kProcessMetrics, "heapfloor_process_cpu_seconds_total");
inline constexpr const MetricDesc& kProcessMinorFaults =
    find_metric(kProcessMetrics, "heapfloor_process_minor_page_faults_total");
inline constexpr const MetricDesc& kProcessMajorFaults =
    find_metric(kProcessMetrics, "heapfloor_process_major_page_faults_total");
// Added, with value 1, only while the process's status cannot be read. No group rule: the group's
// family is heapfloor_group_unreadable_processes, a count of processes.
inline constexpr const MetricDesc& kProcessUnreadableStatus =
    find_metric(kProcessMetrics, "heapfloor_process_unreadable", "status");
inline constexpr const MetricDesc& kProcessUnreadableExe =
    find_metric(kProcessMetrics, "heapfloor_process_unreadable", "exe");
inline constexpr const MetricDesc& kProcessUnreadableCmdline =
    find_metric(kProcessMetrics, "heapfloor_process_unreadable", "cmdline");
inline constexpr const MetricDesc& kProcessUnreadableCgroup =
    find_metric(kProcessMetrics, "heapfloor_process_unreadable", "cgroup");
inline constexpr const MetricDesc& kProcessUnreadableMaps =
    find_metric(kProcessMetrics, "heapfloor_process_unreadable", "maps");

}  // namespace heapfloor
