// What task_iterator.bpf.c writes of each task, in the byte order of the machine. C and C++ read
// this file: the one place of the layout.
#pragma once

// Every record begins with its kind.
enum TaskRecordKind {
  task_record_process = 1,        // struct ProcessRecord: the leader of a thread group
  task_record_kernel_thread = 2,  // the same, of a thread of the kernel
  task_record_thread = 3,         // struct ThreadRecord: another thread of a group
  task_record_end = 4,            // struct EndRecord: all tasks were visited
};

struct ProcessRecord {
  unsigned int kind;
  unsigned int pid;
  unsigned long long start_nanoseconds;    // since boot, time asleep included
  unsigned long long runtime_nanoseconds;  // of the leader and of the threads that have ended
  // Of the address space, the counters of resident and swapped pages, the number of threads and the
  // parent.
  unsigned long long memory_stamp;
};

struct ThreadRecord {
  unsigned int kind;
  unsigned int pid;  // of the leader
  unsigned long long runtime_nanoseconds;
};

struct EndRecord {
  unsigned int kind;
  unsigned int reserved;  // 0
};
