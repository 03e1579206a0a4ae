// What dies first, when, and what in it grows. Where somebody looks first at night.
local g = import '../grafana.libsonnet';

local forecast = 'heapfloor_trend_predicted_exhaustion_timestamp_seconds';
// What ends as a whole; allocators, structures and sites are parts of a process.
local whole = 'scope=~"process|jvm|go|cgroup|external"';

// The earliest forecast of each process, cgroup or series of another server: one row, however many of its signals and parts
// grow. A runtime and its process are one: PID:START_TICKS of the subject.
local first = |||
  bottomk by (job, instance, dies) (1,
    label_replace(
      label_replace(%s{@,%s}, "dies", "$1", "subject", "(.*)"),
      "dies", "$1", "subject", "[a-z]+:([0-9]+:[0-9]+)"
    )
  )
||| % [forecast, whole];
local ofFirst(expr) = '%s and on (job, instance, scope, subject, signal) %s' % [expr, first];

local withState(rows) = |||
  %s * on (job, instance, scope, subject, signal) group_left (state) (heapfloor_leak_state{@} == 1)
||| % rows;

// The structure that explains most of a subject's growth, as a label of `rows`.
local structureOf(rows) = |||
  0 * %s + on (job, instance, subject) group_left (structure)
  topk by (job, instance, subject) (1, heapfloor_leak_structure_share_ratio{@,%s})
||| % [rows, whole];

local unforecast(expr) = |||
  %s
  and on (job, instance, scope, subject, signal)
  heapfloor_leak_state{@,state=~"suspected|leaking"} == 1
  unless on (job, instance, scope, subject, signal)
  %s{@}
||| % [expr, forecast];

local untilRed = [['red', null], ['orange', 4 * 3600], ['yellow', 24 * 3600], ['transparent', 7 * 86400]];

function(config) g.dashboard(
  config,
  'heapfloor-overview',
  'Overview',
  'What runs out of memory first, when, and what in it grows.',
  [],
  g.stateChanges(whole) + g.moment(
    'OOM kill', 'dark-red', 'heapfloor_workload_last_oom_timestamp_seconds{@}', 'OOM kill: {{workload}}', 'workload,instance'
  ),
  [
    g.row('What dies first', [
      g.stat(
        'First end',
        'Time until the first suspected or leaking subject meets its limit. Red below four hours, orange below a day. "none" is good: no forecast stands.',
        's',
        g.latest('min(%s{@,%s}) - time()' % [forecast, whole], 'first end'),
        { thresholds: [['red', null], ['orange', 4 * 3600], ['green', 24 * 3600]], decimals: 1, noValue: 'none' }
      ),
      g.stat(
        'Leaking',
        'Processes, runtimes, cgroups and series of others whose floor rises and has passed every gate of the detector.',
        'none',
        g.latest('sum(heapfloor_leak_suspects{@,state="leaking",%s}) or vector(0)' % whole, 'leaking'),
        { thresholds: [['green', null], ['red', 1]] }
      ),
      g.stat(
        'Suspected',
        'Processes, runtimes, cgroups and series of others whose floor has risen, with evidence still missing. Most of them turn out to be warm-up.',
        'none',
        g.latest('sum(heapfloor_leak_suspects{@,state="suspected",%s}) or vector(0)' % whole, 'suspected'),
        { thresholds: [['green', null], ['yellow', 1]] }
      ),
      g.stat(
        'OOM kills',
        'Processes that the kernel has killed for want of memory within the time range.',
        'none',
        g.latest('sum(increase(heapfloor_workload_oom_kills_total{@}[$__range])) or vector(0)', 'killed'),
        { thresholds: [['green', null], ['red', 1]], decimals: 0 }
      ),
      g.stat(
        'Least memory available',
        'Share of its memory that the tightest host could still give without swapping.',
        'percentunit',
        g.latest('min(heapfloor_host_memory_available_bytes{@} / heapfloor_host_memory_capacity_bytes{@})', 'available'),
        { thresholds: [['red', null], ['orange', 0.05], ['green', 0.1]], decimals: 1 }
      ),
      g.stat(
        'Agents down',
        'Agents that Prometheus cannot scrape: what leaks on their hosts goes unseen.',
        'none',
        g.latest('count(up{@} == 0) or vector(0)', 'down'),
        { thresholds: [['green', null], ['red', 1]] }
      ),
      g.table(
        'What dies first',
        'One row for each process, cgroup or series of others with a forecast, the first end on top. Time left is until its floor meets the limit at the pace of now; the structure is what explains most of the growth, where the program carries a probe. Click the subject for its chart, or for its evidence on the page of its agent.',
        [
          {
            name: 'Time left',
            value: withState('(%s - time())' % first),
            unit: 's',
            decimals: 1,
            width: 90,
            thresholds: untilRed,
          },
          { name: 'Dies at', value: '1000 * ' + first, unit: 'dateTimeAsIsoNoDateIfToday', width: 145 },
          { label: 'state', width: 85 },
          { label: 'group', links: g.groupLinks, width: 140 },
          { label: 'instance', links: g.instanceLinks, width: 145 },
          { label: 'subject', links: g.subjectLinks },
          { label: 'signal', width: 105 },
          {
            name: 'Grows by',
            value: ofFirst('heapfloor_trend_growth_bytes_per_second{@}'),
            unit: 'binBps',
            width: 95,
          },
          { name: 'Floor', value: ofFirst('heapfloor_trend_floor_bytes{@}'), unit: 'bytes', width: 80 },
          {
            name: 'Confidence',
            value: ofFirst('heapfloor_trend_confidence_ratio{@}'),
            unit: 'percentunit',
            decimals: 0,
            width: 90,
          },
          { label: 'structure', width: 130 },
          { name: 'Its share', value: structureOf(first), unit: 'percentunit', decimals: 0, width: 80 },
        ],
        { sort: ['Time left', false], hidden: ['job', 'dies', 'scope'], empty: 'no forecast stands', height: 10 }
      ),
    ]),
    g.row('What else grows', [
      g.table(
        'Growing without a forecast',
        'Suspected and leaking signals that no limit is known for, or whose forecast is beyond the horizon; the fastest on top. Set trend.limit or a limit of the cgroup to have an end forecast.',
        [
          {
            name: 'Grows by',
            value: unforecast('heapfloor_trend_growth_bytes_per_second{@}'),
            unit: 'binBps',
            width: 90,
          },
          { label: 'group', links: g.groupLinks, width: 105 },
          { label: 'instance', links: g.instanceLinks, width: 120 },
          { label: 'subject', links: g.subjectLinks },
          { label: 'signal', width: 130 },
          {
            name: 'Floor',
            value: unforecast('heapfloor_trend_floor_bytes{@}'),
            unit: 'bytes',
            width: 70,
          },
        ],
        { sort: ['Grows by', true], hidden: ['job', 'scope'], empty: 'nothing else grows', width: 12, height: 8 }
      ),
      g.table(
        'Counts that grow',
        'Suspected and leaking threads, file descriptors and elements of structures: a leak of these ends at a limit of its own, often before memory does.',
        [
          {
            name: 'A minute',
            value: '60 * ' + g.ofSuspects('heapfloor_trend_growth_elements_per_second', '@'),
            unit: 'short',
            width: 75,
          },
          { label: 'group', links: g.groupLinks, width: 105 },
          { label: 'instance', links: g.instanceLinks, width: 120 },
          { label: 'subject', links: g.subjectLinks },
          { label: 'signal', width: 130 },
          {
            name: 'Floor',
            value: g.ofSuspects('heapfloor_trend_floor_elements', '@'),
            unit: 'short',
            width: 75,
          },
        ],
        { sort: ['A minute', true], hidden: ['job', 'scope'], empty: 'nothing else grows', width: 12, height: 8 }
      ),
    ]),
    g.row('How it came', [
      g.timeseries(
        'Leaking and suspected',
        'How many signals are in each state. A step up beside a deployment is the deployment.',
        'none',
        [g.range('sum by (state) (heapfloor_leak_suspects{@})', '{{state}}')],
        { min: 0, interpolation: 'stepAfter', overrides: g.stateColors }
      ),
      g.timeseries(
        'New leaks',
        'Signals that became leaking, by scope, within each step.',
        'none',
        [g.range('round(sum by (scope) (increase(heapfloor_leaks_detected_total{@}[$__rate_interval])))', '{{scope}}')],
        { min: 0 }
      ),
      g.timeseries(
        'Groups that hold most',
        'Resident memory of the ten largest groups. Shared pages count for each process that maps them.',
        'bytes',
        [g.range('topk(10, sum by (job, instance, group) (heapfloor_group_resident_memory_bytes{@}))', '{{group}} on {{instance}}')],
        { min: 0, links: g.seriesGroupLinks }
      ),
      g.timeseries(
        'Groups whose floors rise fastest',
        'Sum over the processes of a group, of those whose floor rises significantly. No line is good.',
        'binBps',
        [g.range(
          'topk(10, sum by (job, instance, group) (heapfloor_trend_growth_bytes_per_second{@,scope="process",signal="rss_anon"} > 0))',
          '{{group}} on {{instance}}'
        )],
        { min: 0, noValue: 'none rises', links: g.seriesGroupLinks }
      ),
    ]),
    g.row('Hosts', [
      g.timeseries(
        'Memory available',
        "What programs could still get without swapping, the kernel's own estimate, as a share of the memory.",
        'percentunit',
        [g.range('heapfloor_host_memory_available_bytes{@} / heapfloor_host_memory_capacity_bytes{@}', '{{instance}}')],
        { min: 0, max: 1, width: 8 }
      ),
      g.timeseries(
        'Waiting for memory',
        'Share of the time in which at least one task waited for memory (some), and in which all did (all). Above a few percent users notice.',
        'percentunit',
        [
          g.range(
            'rate(heapfloor_host_memory_pressure_waiting_seconds_total{@}[$__rate_interval])',
            'some, {{instance}}'
          ),
          g.range(
            'rate(heapfloor_host_memory_pressure_stalled_seconds_total{@}[$__rate_interval])',
            'all, {{instance}}'
          ),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Memory of hosts by use',
        'Where the memory of the chosen hosts is, added up. Anonymous memory that grows while the file cache falls is what ends in swapping and OOM kills.',
        'bytes',
        [g.range('sum by (component) (heapfloor_host_memory_component_bytes{@})', '{{component}}')],
        { min: 0, stacked: true, width: 8 }
      ),
      g.timeseries(
        'Reclaim',
        'Pages that the kernel looked at to find free ones, and took back. Many looked at for few taken is a host near its end.',
        'ops',
        [
          g.range('rate(heapfloor_host_reclaim_scanned_pages_total{@}[$__rate_interval])', 'looked at, {{instance}}'),
          g.range(
            'rate(heapfloor_host_reclaim_reclaimed_pages_total{@}[$__rate_interval])',
            'taken back, {{instance}}'
          ),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Swap and major faults',
        'Swap that is used, and page faults that waited for a disk.',
        'bytes',
        [
          g.range(
            'heapfloor_host_swap_capacity_bytes{@} - heapfloor_host_swap_free_bytes{@}',
            'swap used, {{instance}}'
          ),
          g.range(
            'rate(heapfloor_host_major_page_faults_total{@}[$__rate_interval])',
            'major faults a second, {{instance}}'
          ),
        ],
        {
          min: 0,
          width: 8,
          overrides: [{
            matcher: { id: 'byRegexp', options: 'major faults.*' },
            properties: [{ id: 'unit', value: 'ops' }, { id: 'custom.axisPlacement', value: 'right' }],
          }],
        }
      ),
      g.timeseries(
        'Promised memory',
        'Memory promised to programs over what strict overcommit would allow. Above 1 the host lives on programs that do not use what they asked for.',
        'percentunit',
        [g.range('heapfloor_host_committed_bytes{@} / heapfloor_host_commit_limit_bytes{@}', '{{instance}}')],
        { min: 0, width: 8 }
      ),
      g.table(
        'Workloads that lost a process',
        'Workloads that the kernel has killed a process of, the latest on top; the counts go on over restarts of the agent.',
        [
          {
            name: 'Last',
            value: '1000 * heapfloor_workload_last_oom_timestamp_seconds{@}',
            unit: 'dateTimeAsIso',
            width: 180,
          },
          { label: 'workload' },
          { label: 'instance', links: g.instanceLinks, width: 180 },
          {
            name: 'In range',
            value: 'increase(heapfloor_workload_oom_kills_total{@}[$__range]) > 0',
            unit: 'none',
            decimals: 0,
            width: 100,
          },
        ],
        { sort: ['Last', true], hidden: ['job'], empty: 'none lost any', width: 12, height: 7 }
      ),
      g.timeseries(
        'OOM kills by the host',
        'Processes killed for want of memory, as the kernel of each host counts them, within each step.',
        'none',
        [g.range('round(increase(heapfloor_host_oom_kills_total{@}[$__rate_interval]))', '{{instance}}')],
        { min: 0, width: 12, height: 7 }
      ),
    ]),
  ]
)
