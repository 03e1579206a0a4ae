// Cgroups: containers, pods and units, their memory by use against their limits.
local g = import '../grafana.libsonnet';

local of = '@,cgroup=~"$cgroup"';
// Paths differ in their end, which a legend has no room for.
local named(expr) = 'label_replace(%s, "name", "$1", "cgroup", ".*/([^/]+)")' % expr;
local largest(expr) = named('topk(10, %s)' % expr);
local line(metric, legend) = g.range(largest('%s{%s}' % [metric, of]), legend);
local rate(metric, legend) = g.range(largest('rate(%s{%s}[$__rate_interval])' % [metric, of]), legend);

local share = 'heapfloor_cgroup_unreclaimable_memory_bytes{%s} / heapfloor_cgroup_memory_effective_limit_bytes{%s}' % [of, of];

local whatItIs = |||
  heapfloor_cgroup_memory_current_bytes{%(s)s}
  * on (job, instance, cgroup) group_left (unit, pod_uid, container_id, qos, runtime)
  heapfloor_cgroup_info{%(s)s}
||| % { s: of };

function(config) g.dashboard(
  config,
  'heapfloor-cgroup',
  'Cgroups and Kubernetes',
  'Containers, pods and units: what in their memory cannot be reclaimed, against the smallest limit above them.',
  [
    g.many('cgroup', 'Cgroup', g.labelValues('heapfloor_cgroup_memory_current_bytes{@}', 'cgroup')),
  ],
  g.stateChanges('scope="cgroup"') + g.moment(
    'OOM kill', 'dark-red', 'heapfloor_workload_last_oom_timestamp_seconds{@}', 'OOM kill: {{workload}}', 'workload,instance'
  ),
  [
    g.row('Nearest to their limit', [
      g.table(
        'Cgroups by share of their limit',
        "Memory that reclaim cannot take, over the smallest of the cgroup's limit, those above it and the host's memory. At 1 the OOM killer acts. Working set is what the kubelet evicts by.",
        [
          { name: 'Of its limit', value: named(share), unit: 'percentunit', decimals: 1, gauge: 1, width: 130 },
          { label: 'name', links: g.cgroupLinks },
          { label: 'cgroup', links: g.cgroupLinks },
          { label: 'instance', links: g.instanceLinks, width: 150 },
          {
            name: 'Not reclaimable',
            value: 'heapfloor_cgroup_unreclaimable_memory_bytes{%s}' % of,
            unit: 'bytes',
            width: 120,
          },
          { name: 'Working set', value: 'heapfloor_cgroup_working_set_bytes{%s}' % of, unit: 'bytes' },
          { name: 'Charged', value: 'heapfloor_cgroup_memory_current_bytes{%s}' % of, unit: 'bytes' },
          { name: 'Peak', value: 'heapfloor_cgroup_memory_peak_bytes{%s}' % of, unit: 'bytes' },
          { name: 'Own limit', value: 'heapfloor_cgroup_memory_limit_bytes{%s}' % of, unit: 'bytes' },
          {
            name: 'Smallest limit',
            value: 'heapfloor_cgroup_memory_effective_limit_bytes{%s}' % of,
            unit: 'bytes',
          },
          { name: 'Processes', value: 'heapfloor_cgroup_processes{%s}' % of, unit: 'none' },
        ],
        { sort: ['Of its limit', true], hidden: ['job'], height: 9 }
      ),
      g.table(
        'What they are',
        'Pods, containers and units by what their paths tell; what is not known is empty. pod_uid is metadata.uid of the pod.',
        [
          { name: 'Charged', value: whatItIs, unit: 'bytes', width: 110 },
          { label: 'unit' },
          { label: 'pod_uid' },
          { label: 'container_id' },
          { label: 'qos', width: 100 },
          { label: 'runtime', width: 100 },
          { label: 'cgroup', links: g.cgroupLinks },
          { label: 'instance', links: g.instanceLinks, width: 180 },
        ],
        { sort: ['Charged', true], hidden: ['job'], height: 7 }
      ),
      g.table(
        'What leaks in cgroups',
        'Suspected and leaking signals of cgroups as wholes: anonymous memory, shared memory and slab. Slab that leaks belongs to no process.',
        [
          {
            name: 'Grows by',
            value: g.ofSuspects('heapfloor_trend_growth_bytes_per_second', '@,scope="cgroup"'),
            unit: 'binBps',
            width: 110,
          },
          { label: 'subject', links: g.subjectLinks },
          { label: 'signal', width: 140 },
          { label: 'instance', links: g.instanceLinks, width: 180 },
        ],
        { sort: ['Grows by', true], hidden: ['job', 'scope', 'group'], empty: 'none', width: 12, height: 7 }
      ),
      g.table(
        'OOM kills by workload',
        'Workloads (pod, container, unit) that lost a process to the OOM killer within the time range, those included whose cgroup is gone.',
        [
          {
            name: 'Killed',
            value: 'increase(heapfloor_workload_oom_kills_total{@}[$__range]) > 0',
            unit: 'none',
            decimals: 0,
            width: 100,
          },
          { label: 'workload' },
          { label: 'instance', links: g.instanceLinks, width: 180 },
          {
            name: 'Last',
            value: '1000 * heapfloor_workload_last_oom_timestamp_seconds{@}',
            unit: 'dateTimeAsIso',
            width: 180,
          },
        ],
        { sort: ['Last', true], hidden: ['job'], empty: 'none', width: 12, height: 7 }
      ),
    ]),
    g.row('Memory: of the ten cgroups that have most', [
      g.timeseries(
        'Share of the limit',
        'Memory that reclaim cannot take, over the smallest limit. Where lines meet 1 somebody is killed.',
        'percentunit',
        [g.range(largest(share), '{{name}} on {{instance}}')],
        { min: 0 }
      ),
      g.timeseries(
        'Memory by use',
        'The chosen cgroups added up; choose one, or those that are not inside each other. anon, shmem and slab are what grows in a leak; file is cache.',
        'bytes',
        [g.range('sum by (component) (heapfloor_cgroup_memory_component_bytes{%s})' % of, '{{component}}')],
        { min: 0, stacked: true }
      ),
      g.timeseries(
        'Charged, working set, not reclaimable',
        'The gap between charged and not reclaimable is cache that the kernel gives back under pressure: no leak.',
        'bytes',
        [
          line('heapfloor_cgroup_memory_current_bytes', 'charged, {{name}}'),
          line('heapfloor_cgroup_working_set_bytes', 'working set, {{name}}'),
          line('heapfloor_cgroup_unreclaimable_memory_bytes', 'not reclaimable, {{name}}'),
        ],
        { min: 0 }
      ),
      g.timeseries(
        'Limits and protections',
        'max kills, high slows down, low and min protect from reclaim. No line: not set.',
        'bytes',
        [
          line('heapfloor_cgroup_memory_limit_bytes', 'max, {{name}}'),
          line('heapfloor_cgroup_memory_high_bytes', 'high, {{name}}'),
          line('heapfloor_cgroup_memory_low_bytes', 'low, {{name}}'),
          line('heapfloor_cgroup_memory_min_bytes', 'min, {{name}}'),
        ],
        { min: 0 }
      ),
      g.timeseries(
        'Lists of reclaim',
        'Anonymous and file pages that were used lately (active) and were not (inactive). Active file pages are taken last.',
        'bytes',
        [
          g.range('sum by (state) (heapfloor_cgroup_anon_memory_bytes{%s})' % of, 'anonymous, {{state}}'),
          g.range('sum by (state) (heapfloor_cgroup_file_memory_bytes{%s})' % of, 'file, {{state}}'),
        ],
        { min: 0, stacked: true, width: 8 }
      ),
      g.timeseries(
        'File pages in use',
        'Mapped by processes, waiting to be written, being written: what of the cache cannot go at once.',
        'bytes',
        [
          line('heapfloor_cgroup_file_mapped_bytes', 'mapped, {{name}}'),
          line('heapfloor_cgroup_file_dirty_bytes', 'dirty, {{name}}'),
          line('heapfloor_cgroup_file_writeback_bytes', 'writing, {{name}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Swap',
        'Used, its peak and its limit. A leak that goes to swap shows here first.',
        'bytes',
        [
          line('heapfloor_cgroup_swap_current_bytes', 'used, {{name}}'),
          line('heapfloor_cgroup_swap_peak_bytes', 'peak, {{name}}'),
          line('heapfloor_cgroup_swap_limit_bytes', 'limit, {{name}}'),
        ],
        { min: 0, width: 8 }
      ),
    ]),
    g.row('Pressure: of the ten cgroups that have most', [
      g.timeseries(
        'Waiting for memory',
        'Share of the time in which at least one task waited (some), and in which all did (all). All above a tenth is an alert.',
        'percentunit',
        [
          rate('heapfloor_cgroup_memory_pressure_waiting_seconds_total', 'some, {{name}}'),
          rate('heapfloor_cgroup_memory_pressure_stalled_seconds_total', 'all, {{name}}'),
        ],
        { min: 0 }
      ),
      g.timeseries(
        'Events',
        'Of the cgroup itself, and of those below it too. max: the limit was met; oom: nothing could be reclaimed; oom_kill: a process was killed.',
        'ops',
        [
          g.range(
            largest('sum by (cgroup, event) (rate(heapfloor_cgroup_memory_events_local_total{%s}[$__rate_interval])) > 0' % of)
            + ' or label_replace(sum(rate(heapfloor_cgroup_memory_events_local_total{%s}[$__rate_interval])) * 0, "event", "none", "", "")' % of,
            '{{event}} {{name}}'
          ),
          g.range(
            largest('sum by (cgroup, event) (rate(heapfloor_cgroup_memory_events_total{%s}[$__rate_interval])) > 0' % of),
            '{{event}} in or below {{name}}'
          ),
        ],
        { min: 0 }
      ),
      g.timeseries(
        'Reclaim',
        'Pages looked at and taken back. Many looked at for few taken is a cgroup near its limit.',
        'ops',
        [
          rate('heapfloor_cgroup_reclaim_scanned_pages_total', 'looked at, {{name}}'),
          rate('heapfloor_cgroup_reclaim_reclaimed_pages_total', 'taken back, {{name}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Refaults',
        'Pages that were needed again soon after reclaim had taken them: the cache is too small for the work.',
        'ops',
        [g.range(largest('sum by (cgroup, kind) (rate(heapfloor_cgroup_workingset_refaults_total{%s}[$__rate_interval]))' % of), '{{kind}}, {{name}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Major page faults',
        'Faults that waited for a disk.',
        'ops',
        [rate('heapfloor_cgroup_major_page_faults_total', '{{name}}')],
        { min: 0, width: 8 }
      ),
    ]),
  ]
)
