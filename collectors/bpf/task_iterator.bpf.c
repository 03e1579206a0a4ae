// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
//
// Visits every task of the reader's pid namespace and writes a record of it (task_record.h). A BPF
// program of type iter/task (Linux 5.8), compiled for the kernel's own machine.
//
// Of the kernel's structures only the fields that are read are declared; their places are found in
// the BTF of the running kernel when the program is loaded (CO-RE). The numbers are those of the
// initial pid namespace. Counters are read without locks and, since 6.2, without what each CPU has
// not yet added: they tell that something moved, never how much there is.
#include "collectors/bpf/task_record.h"

typedef signed char __s8;
typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef signed long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>
// Behind it: it uses its macros.
#include <bpf/bpf_core_read.h>

#define KERNEL_STRUCT __attribute__((preserve_access_index))

enum { kCounters = 4 };  // file, anonymous, swapped, shared memory
enum { kKernelThreadFlag = 0x00200000 };

struct percpu_counter {
  __s64 count;
} KERNEL_STRUCT;

struct mm_struct {
  unsigned long total_vm;
  struct percpu_counter rss_stat[kCounters];
} KERNEL_STRUCT;

typedef struct {
  long counter;
} atomic_long_t;

// What rss_stat was before Linux 6.2.
struct mm_rss_stat {
  atomic_long_t count[kCounters];
} KERNEL_STRUCT;

struct mm_struct___before_6_2 {
  struct mm_rss_stat rss_stat;
} KERNEL_STRUCT;

struct signal_struct {
  int nr_threads;
  unsigned long long sum_sched_runtime;
} KERNEL_STRUCT;

struct sched_entity {
  __u64 sum_exec_runtime;
} KERNEL_STRUCT;

struct task_struct {
  unsigned int flags;
  int pid;
  int tgid;
  __u64 start_boottime;
  struct sched_entity se;
  struct mm_struct* mm;
  struct signal_struct* signal;
  struct task_struct* real_parent;
} KERNEL_STRUCT;

struct seq_file;

struct bpf_iter_meta {
  struct seq_file* seq;
  __u64 seq_num;
} KERNEL_STRUCT;

struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
} KERNEL_STRUCT;

// FNV-1a over whole words.
static __u64 mixed(__u64 stamp, __u64 value) { return (stamp ^ value) * 0x100000001b3ULL; }

// Indices are constants, because the compiler leaves only those to be relocated. Asked for are
// fields of mm_struct and no type that a kernel may lack: libbpf before 1.3 would look for it in
// the kernel's modules, which takes CAP_SYS_ADMIN.
static __u64 counters_mixed(__u64 stamp, struct mm_struct* memory) {
  struct mm_struct___before_6_2* before = (struct mm_struct___before_6_2*)memory;

  if (bpf_core_field_exists(memory->rss_stat[0].count)) {
    stamp = mixed(stamp, memory->rss_stat[0].count);
    stamp = mixed(stamp, memory->rss_stat[1].count);
    stamp = mixed(stamp, memory->rss_stat[2].count);
    stamp = mixed(stamp, memory->rss_stat[3].count);
  } else if (bpf_core_field_exists(before->rss_stat.count)) {
    stamp = mixed(stamp, before->rss_stat.count[0].counter);
    stamp = mixed(stamp, before->rss_stat.count[1].counter);
    stamp = mixed(stamp, before->rss_stat.count[2].counter);
    stamp = mixed(stamp, before->rss_stat.count[3].counter);
  }
  return stamp;
}

static __u64 memory_stamp_of(struct task_struct* task) {
  __u64 stamp = mixed(0xcbf29ce484222325ULL, task->real_parent->tgid);
  struct mm_struct* memory = task->mm;

  stamp = mixed(stamp, task->signal->nr_threads);
  if (!memory) return stamp;
  return counters_mixed(mixed(stamp, memory->total_vm), memory);
}

static void write_process(struct seq_file* file, struct task_struct* task) {
  struct ProcessRecord record = {
      .kind = task_record_kernel_thread,
      .pid = task->tgid,
      .start_nanoseconds = task->start_boottime,
  };

  if (!(task->flags & kKernelThreadFlag)) {
    record.kind = task_record_process;
    record.runtime_nanoseconds = task->se.sum_exec_runtime + task->signal->sum_sched_runtime;
    record.memory_stamp = memory_stamp_of(task);
  }
  bpf_seq_write(file, &record, sizeof record);
}

static void write_thread(struct seq_file* file, struct task_struct* task) {
  struct ThreadRecord record = {
      .kind = task_record_thread,
      .pid = task->tgid,
      .runtime_nanoseconds = task->se.sum_exec_runtime,
  };

  bpf_seq_write(file, &record, sizeof record);
}

// A record that finds no room is asked for again by the kernel, with an empty buffer. Behind the
// last task the program is called once more, without one.
SEC("iter/task")
int visit(struct bpf_iter__task* context) {
  struct task_struct* task = context->task;
  struct seq_file* file = context->meta->seq;

  if (!task) {
    struct EndRecord end = {.kind = task_record_end};

    bpf_seq_write(file, &end, sizeof end);
  } else if (task->pid == task->tgid) {
    write_process(file, task);
  } else {
    write_thread(file, task);
  }
  return 0;
}

// The helpers that write to a seq_file are for programs under the GPL alone.
char program_license[] SEC("license") = "GPL";
