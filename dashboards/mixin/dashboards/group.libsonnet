// The processes of one group: where their memory is, and what bounds it.
local g = import '../grafana.libsonnet';

local of = '@,group=~"$group"';
local sum(by, metric) = 'sum by (%s) (%s{%s})' % [by, metric, of];
local rate(by, metric) = 'sum by (%s) (rate(%s{%s}[$__rate_interval]))' % [by, metric, of];
local largest(metric) = 'topk(10, %s{%s})' % [metric, of];

function(config) g.dashboard(
  config,
  'heapfloor-group',
  'Process group',
  'The processes of a group: where their memory is, what bounds it, and what they do.',
  [g.many('group', 'Group', g.labelValues('heapfloor_group_processes{@}', 'group'))],
  g.stateChanges('group=~"$group",scope=~"process|jvm|go"') + g.starts(of),
  [
    g.row('At a glance', [
      g.stat(
        'Running',
        'Processes that are in the group now.',
        'none',
        g.latest(sum('', 'heapfloor_group_processes'), 'processes')
      ),
      g.stat(
        'Resident',
        'Resident memory. Shared pages count for each process that maps them.',
        'bytes',
        g.latest(sum('', 'heapfloor_group_resident_memory_bytes'), 'resident')
      ),
      g.stat(
        'Proportional',
        'Resident memory with each shared page divided among its sharers, estimated to now: what ending the group would free.',
        'bytes',
        g.latest(sum('', 'heapfloor_group_proportional_memory_estimated_bytes'), 'proportional'),
        { noValue: 'not read' }
      ),
      g.stat(
        'Swapped out',
        'Anonymous memory of the group that is in swap. A leak hides there from resident memory.',
        'bytes',
        g.latest(sum('', 'heapfloor_group_swap_bytes'), 'swap')
      ),
      g.stat(
        'Age of the oldest',
        'Since the oldest process runs. A leak needs time to be told from a warm-up.',
        's',
        g.latest('time() - min(heapfloor_group_oldest_start_timestamp_seconds{%s})' % of, 'age'),
        { decimals: 1 }
      ),
      g.worstState('State', 'The worst state of the signals of the group. The table has those that are suspected or leaking.', of),
      g.table(
        'What grows in it',
        'Suspected and leaking signals of the group, the fastest on top.',
        [
          {
            name: 'Grows by',
            value: g.ofSuspects('heapfloor_trend_growth_bytes_per_second', of),
            unit: 'binBps',
            width: 110,
          },
          { label: 'subject', links: g.subjectLinks },
          { label: 'signal', width: 160 },
          { label: 'group' },
          { label: 'instance', links: g.instanceLinks },
          {
            name: 'Floor',
            value: g.ofSuspects('heapfloor_trend_floor_bytes', of),
            unit: 'bytes',
            width: 110,
          },
        ],
        { sort: ['Grows by', true], hidden: ['job', 'scope'], empty: 'nothing grows', height: 8 }
      ),
    ]),
    g.row('Memory', [
      g.timeseries(
        'Resident memory by kind',
        "Growth of anon is the program's. file and shmem are mappings, which others may share.",
        'bytes',
        [
          g.range(sum('kind', 'heapfloor_group_resident_memory_bytes'), '{{kind}}'),
          g.range(sum('', 'heapfloor_group_swap_bytes'), 'swapped out'),
        ],
        { min: 0, stacked: true }
      ),
      g.timeseries(
        'Largest process and its bounds',
        'Peak of the largest process of the ten largest groups, beside the least of what a process of the group may have (cgroup, rlimits, configuration).',
        'bytes',
        [
          g.range(
            'topk(10, max by (group, instance) (heapfloor_group_resident_memory_peak_bytes{%s}))' % of,
            '{{group}} on {{instance}}, peak'
          ),
          g.range('min(heapfloor_group_memory_limit_bytes{%s})' % of, 'least limit of a process'),
        ],
        { min: 0, overrides: [g.limitLine('least limit.*')] }
      ),
      g.timeseries(
        'Proportional memory by kind',
        'Each shared page divided among its sharers (PSS), as of the last read; absent until all processes of the group have been read.',
        'bytes',
        [
          g.range(sum('kind', 'heapfloor_group_proportional_memory_bytes'), '{{kind}}'),
          g.range(sum('', 'heapfloor_group_proportional_swap_bytes'), 'swap'),
        ],
        { min: 0, stacked: true, width: 8 }
      ),
      g.timeseries(
        'Unique memory',
        'Pages that no other process maps. Dirty ones can only go to swap; clean ones the kernel can drop.',
        'bytes',
        [g.range(sum('state', 'heapfloor_group_unique_memory_bytes'), '{{state}}')],
        { min: 0, stacked: true, width: 8 }
      ),
      g.timeseries(
        'Given back, not yet taken',
        'Resident memory that the programs gave back with MADV_FREE, and transparent huge pages, which hold more than was asked for. Both look like growth and are none.',
        'bytes',
        [
          g.range(sum('', 'heapfloor_group_lazy_free_memory_bytes'), 'MADV_FREE'),
          g.range(sum('', 'heapfloor_group_transparent_hugepage_bytes'), 'transparent huge pages'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Address space',
        'Mapped, and mapped private and writable. Address space alone costs nothing until a limit of it is met.',
        'bytes',
        [
          g.range(sum('', 'heapfloor_group_virtual_memory_bytes'), 'mapped'),
          g.range(sum('', 'heapfloor_group_data_memory_bytes'), 'private and writable'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Beside the pages',
        'Page tables, locked memory and hugetlbfs pages: what resident memory does not show.',
        'bytes',
        [
          g.range(sum('', 'heapfloor_group_page_table_bytes'), 'page tables'),
          g.range(sum('', 'heapfloor_group_locked_memory_bytes'), 'locked'),
          g.range(sum('', 'heapfloor_group_hugetlb_memory_bytes'), 'hugetlb'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Mappings',
        'Of the process that has most, over what vm.max_map_count allows; the ten groups nearest to it. At 1 the next mmap fails, whatever memory is free.',
        'percentunit',
        [g.range(
          'topk(10, heapfloor_group_memory_mappings_max{%s} / on (job, instance) group_left () heapfloor_host_memory_mappings_limit{@})' % of,
          '{{group}} on {{instance}}'
        )],
        { min: 0, width: 8 }
      ),
    ]),
    g.row('What it does', [
      g.timeseries(
        'Load',
        'CPU time a second, in processors, of the ten busiest groups. Memory that follows the load is no leak.',
        'short',
        [g.range('topk(10, %s)' % rate('group, instance', 'heapfloor_group_cpu_seconds_total'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Threads',
        'Of the ten groups that have most. Each thread has a stack and, in glibc, may have an arena.',
        'short',
        [g.range('topk(10, %s)' % sum('group, instance', 'heapfloor_group_threads'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'File descriptors',
        'Open ones, of the ten groups that have most. A leak of them ends at RLIMIT_NOFILE, see the processes below.',
        'short',
        [g.range('topk(10, %s)' % sum('group, instance', 'heapfloor_group_file_descriptors'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Page faults',
        'Minor ones are memory that is touched for the first time; major ones waited for a disk.',
        'ops',
        [
          g.range(rate('instance', 'heapfloor_group_minor_page_faults_total'), 'minor, {{instance}}'),
          g.range(rate('instance', 'heapfloor_group_major_page_faults_total'), 'major, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Starts and ends',
        'Processes that joined and left the group, a minute. Steady restarts hide a leak: each one begins anew.',
        'opm',
        [
          g.range('60 * ' + rate('instance', 'heapfloor_group_process_starts_total'), 'starts, {{instance}}'),
          g.range('60 * ' + rate('instance', 'heapfloor_group_process_exits_total'), 'ends, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'OOM score',
        'Of the process that the OOM killer would take first, 0 to 2000; the ten groups that it would take first.',
        'none',
        [g.range('topk(10, max by (group, instance) (heapfloor_group_oom_score_max{%s}))' % of, '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Not readable',
        'Processes of the group whose source could not be read: figures from it lack them. The status of the agent says which capability would help.',
        'none',
        [g.range('sum by (source) (heapfloor_group_unreadable_processes{%s} > 0) or label_replace(sum(heapfloor_group_unreadable_processes{%s}) * 0, "source", "none", "", "")' % [of, of], '{{source}}')],
        { min: 0, width: 12, height: 7 }
      ),
      g.timeseries(
        'Age of the proportional figures',
        'Since smaps_rollup of the longest unread process was read; the ten oldest. It is read under a budget of time.',
        's',
        [g.range('topk(10, time() - min by (group, instance) (heapfloor_group_proportional_sample_timestamp_seconds{%s}))' % of, '{{group}} on {{instance}}')],
        { min: 0, width: 12, height: 7 }
      ),
    ]),
    g.row('Its processes: where the agent gives them series of their own', [
      g.table(
        'Processes',
        'The processes of the group that have series of their own: groups with expose: true, suspects, and programs with a probe. The largest on top.',
        [
          {
            name: 'Resident',
            value: 'sum without (kind) (heapfloor_process_resident_memory_bytes{%s})' % of,
            unit: 'bytes',
          },
          { label: 'group' },
          { label: 'pid', width: 85 },
          { label: 'instance', links: g.instanceLinks },
          { name: 'Peak', value: 'heapfloor_process_resident_memory_peak_bytes{%s}' % of, unit: 'bytes' },
          {
            name: 'Proportional',
            value: 'heapfloor_process_proportional_memory_estimated_bytes{%s}' % of,
            unit: 'bytes',
          },
          { name: 'Swap', value: 'heapfloor_process_swap_bytes{%s}' % of, unit: 'bytes' },
          { name: 'Limit', value: 'heapfloor_process_memory_limit_bytes{%s}' % of, unit: 'bytes' },
          { name: 'Threads', value: 'heapfloor_process_threads{%s}' % of, unit: 'none' },
          {
            name: 'Descriptors',
            value: 'heapfloor_process_file_descriptors{%s} / heapfloor_process_file_descriptors_limit{%s}' % [of, of],
            unit: 'percentunit',
            decimals: 1,
            gauge: 1,
            width: 130,
          },
          { name: 'Mappings', value: 'heapfloor_process_memory_mappings{%s}' % of, unit: 'none' },
          { name: 'OOM score', value: 'heapfloor_process_oom_score{%s}' % of, unit: 'none' },
        ],
        { sort: ['Resident', true], hidden: ['job'], empty: 'none has series of its own', height: 8 }
      ),
      g.timeseries(
        'Anonymous memory of processes',
        'The ten largest.',
        'bytes',
        [g.range(
          'topk(10, heapfloor_process_resident_memory_bytes{%s,kind="anon"})' % of,
          '{{group}} {{pid}} on {{instance}}'
        )],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Proportional memory of processes',
        'Each shared page divided among its sharers, estimated to now; the ten largest.',
        'bytes',
        [g.range(
          largest('heapfloor_process_proportional_memory_estimated_bytes'),
          '{{group}} {{pid}} on {{instance}}'
        )],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Load of processes',
        'CPU time a second, in processors; the ten busiest.',
        'short',
        [g.range(
          'topk(10, rate(heapfloor_process_cpu_seconds_total{%s}[$__rate_interval]))' % of,
          '{{group}} {{pid}} on {{instance}}'
        )],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Rlimits of processes',
        'Address space and private writable mappings over RLIMIT_AS and RLIMIT_DATA, where these are set. At 1 the next allocation fails.',
        'percentunit',
        [
          g.range(
            'topk(10, heapfloor_process_virtual_memory_bytes{%s} / heapfloor_process_address_space_limit_bytes{%s})' % [of, of],
            'address space, {{group}} {{pid}}'
          ),
          g.range(
            'topk(10, heapfloor_process_data_memory_bytes{%s} / heapfloor_process_data_limit_bytes{%s})' % [of, of],
            'data, {{group}} {{pid}}'
          ),
        ],
        { min: 0, width: 24, height: 6 }
      ),
    ]),
  ]
)
