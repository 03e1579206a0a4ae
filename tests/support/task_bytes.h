// What the BPF task iterator writes, made by hand.
#pragma once

#include <string>

#include "collectors/bpf/task_record.h"

namespace heapfloor::testing {

class TaskBytes {
 public:
  TaskBytes& process(unsigned int pid, unsigned long long start_nanoseconds,
                     unsigned long long runtime_nanoseconds, unsigned long long memory_stamp) {
    return add(ProcessRecord{task_record_process, pid, start_nanoseconds, runtime_nanoseconds,
                             memory_stamp});
  }
  TaskBytes& kernel_thread(unsigned int pid, unsigned long long start_nanoseconds) {
    return add(ProcessRecord{task_record_kernel_thread, pid, start_nanoseconds, 0, 0});
  }
  TaskBytes& thread(unsigned int leader, unsigned long long runtime_nanoseconds) {
    return add(ThreadRecord{task_record_thread, leader, runtime_nanoseconds});
  }
  TaskBytes& record(unsigned int kind, unsigned int reserved) {
    return add(EndRecord{kind, reserved});
  }
  // The bytes of the whole iteration.
  std::string end() { return record(task_record_end, 0).bytes_; }

 private:
  template <class Record>
  TaskBytes& add(const Record& record) {
    bytes_.append(reinterpret_cast<const char*>(&record), sizeof record);
    return *this;
  }

  std::string bytes_;
};

}  // namespace heapfloor::testing
