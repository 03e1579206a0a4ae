// Go programs from outside: what lives after collections, and what collecting costs.
local g = import '../grafana.libsonnet';

local of = '@,group=~"$group"';
local sum(metric, by='group, instance') = 'sum by (%s) (%s{%s})' % [by, metric, of];
local rate(metric, by='group, instance') = 'sum by (%s) (rate(%s{%s}[$__rate_interval]))' % [by, metric, of];
local ofRow(metric) = sum(metric, 'job, instance, group');

local isGo = 'and on (job, instance, group) heapfloor_go_info{%s}' % of;

function(config) g.dashboard(
  config,
  'heapfloor-go',
  'Go',
  'Go programs as they are, from outside: what lives after collections against the memory limit, and what collecting costs.',
  [g.manyOfThese('group', 'Group', g.labelValues('heapfloor_go_info{@}', 'group'))],
  g.stateChanges('group=~"$group",scope=~"go|process"') + g.starts(of),
  [
    g.row('Live heap', [
      g.table(
        'Go programs',
        'Live is what the last collection found in use. Near the limit (GOMEMLIMIT) the runtime collects all the time instead of failing: see the time in collections.',
        [
          { name: 'Live', value: ofRow('heapfloor_go_heap_live_bytes'), unit: 'bytes', width: 110 },
          { label: 'group', links: g.groupLinks },
          { label: 'instance', links: g.instanceLinks },
          {
            name: 'Live of limit',
            value: '%s / %s' % [ofRow('heapfloor_go_heap_live_bytes'), ofRow('heapfloor_go_memory_limit_bytes')],
            unit: 'percentunit',
            decimals: 1,
            gauge: 1,
            width: 160,
          },
          { name: 'Limit', value: ofRow('heapfloor_go_memory_limit_bytes'), unit: 'bytes' },
          { name: 'Goal', value: ofRow('heapfloor_go_heap_goal_bytes'), unit: 'bytes' },
          { name: 'Resident', value: '%s %s' % [ofRow('heapfloor_group_resident_memory_bytes'), isGo], unit: 'bytes' },
          { name: 'Goroutines', value: ofRow('heapfloor_go_goroutines'), unit: 'short' },
          { name: 'Last collection', value: '1000 * max by (job, instance, group) (heapfloor_go_last_gc_timestamp_seconds{%s})' % of, unit: 'dateTimeFromNow' },
          { name: 'Processes', value: 'heapfloor_group_processes{%s} %s' % [of, isGo], unit: 'none' },
        ],
        { sort: ['Live', true], hidden: ['job'], height: 7 }
      ),
      g.timeseries(
        'What lives after collections',
        'The floor of the heap. A leak is a line that rises through every collection; the dashed line is GOMEMLIMIT, where it is set.',
        'bytes',
        [
          g.range(sum('heapfloor_go_heap_live_bytes'), '{{group}} on {{instance}}'),
          g.range(sum('heapfloor_go_memory_limit_bytes'), 'limit of {{group}} on {{instance}}'),
        ],
        { min: 0, overrides: [g.limitLine('limit of.*')] }
      ),
      g.timeseries(
        'Heap in use and its goal',
        'Garbage included: the teeth are collections, and the goal is where the next one begins (GOGC). A goal that rises follows what lives.',
        'bytes',
        [
          g.range(sum('heapfloor_go_heap_allocated_bytes'), 'allocated, {{group}} on {{instance}}'),
          g.range(sum('heapfloor_go_heap_goal_bytes'), 'goal, {{group}} on {{instance}}'),
        ],
        { min: 0 }
      ),
      g.timeseries(
        'Growth of what lives',
        'Slope of the live heap of each program whose floor rises, as the detector measures it.',
        'binBps',
        [g.range('heapfloor_trend_growth_bytes_per_second{%s,scope="go"}' % of, '{{group}} {{subject}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Goroutines',
        'A steady rise is a leak of goroutines, each with its stack and all that it refers to.',
        'short',
        [g.range(sum('heapfloor_go_goroutines'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Stacks',
        'Stacks of goroutines, outside of the heap.',
        'bytes',
        [g.range(sum('heapfloor_go_stack_inuse_bytes'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
    ]),
    g.row("From the system's side", [
      g.timeseries(
        'Spans',
        'In use, idle and not given back, given back. Idle memory that is not given back is kept, not leaked: the scavenger, or debug.FreeOSMemory, returns it.',
        'bytes',
        [
          g.range(sum('heapfloor_go_heap_inuse_bytes'), 'in use, {{group}} on {{instance}}'),
          g.range('%s - %s' % [sum('heapfloor_go_heap_idle_bytes'), sum('heapfloor_go_heap_released_bytes')], 'idle, {{group}} on {{instance}}'),
          g.range(sum('heapfloor_go_heap_released_bytes'), 'given back, {{group}} on {{instance}}'),
        ],
        { min: 0, stacked: true }
      ),
      g.timeseries(
        'Address space and resident memory',
        'All that the runtime has from the system, as address space, beside the anonymous memory of its processes. Resident memory far above spans in use is memory of cgo.',
        'bytes',
        [
          g.range(sum('heapfloor_go_system_bytes'), 'runtime, {{group}} on {{instance}}'),
          g.range('sum by (job, group, instance) (heapfloor_group_resident_memory_bytes{%s,kind="anon"}) %s' % [of, isGo], 'resident, {{group}} on {{instance}}'),
        ],
        { min: 0 }
      ),
    ]),
    g.row('Collections', [
      g.timeseries(
        'Share of processor time in collections',
        'Since the program started, of the process with the largest share. Above a quarter it works for its collector: its heap is near its limit, or GOGC is small.',
        'percentunit',
        [g.range('max by (group, instance) (heapfloor_go_gc_cpu_ratio{%s})' % of, '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Collections',
        'A minute. The runtime makes one every two minutes at least; only behind them the detector learns.',
        'opm',
        [g.range('60 * ' + rate('heapfloor_go_gc_cycles_total'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Standstill',
        'Share of the time in which the whole program stood still for collections.',
        'percentunit',
        [g.range(rate('heapfloor_go_gc_pause_seconds_total'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Allocation',
        'Bytes allocated a second. Much of it with a level live heap is garbage, which costs processor time and no memory.',
        'binBps',
        [g.range(rate('heapfloor_go_allocated_bytes_total'), '{{group}} on {{instance}}')],
        { min: 0, width: 8, height: 7 }
      ),
      g.timeseries(
        'Objects',
        'On the heap, garbage that was not swept yet included; of programs that are asked over HTTP.',
        'short',
        [g.range(sum('heapfloor_go_heap_objects'), '{{group}} on {{instance}}')],
        { min: 0, width: 8, height: 7 }
      ),
      g.table(
        'Versions',
        'With which Go the programs are made.',
        [
          { name: 'Groups', value: 'count by (instance, group, version) (heapfloor_go_info{%s})' % of, hidden: true },
          { label: 'group', links: g.groupLinks, width: 140 },
          { label: 'version', width: 110 },
          { label: 'instance', links: g.instanceLinks },
        ],
        { width: 8, height: 7 }
      ),
    ]),
    g.row('Asked over HTTP', [
      g.timeline(
        'Targets that answer',
        'Go programs of targets.go. Red: the last question was not answered as it should.',
        [g.range('heapfloor_go_up{@}', '{{target}} ({{group}})')],
        { '0': { text: 'does not answer', color: 'red' }, '1': { text: 'answers', color: 'green' } },
        { width: 8 }
      ),
      g.timeseries(
        'Programs that are looked for',
        'By their sockets (targets.go_discovery): found, or why not.',
        'short',
        [g.range('sum by (state, instance) (heapfloor_go_endpoint_programs{@})', '{{state}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Questions and failures',
        'A minute: requests that the agent sends to Go programs, and those that were not answered as they should.',
        'opm',
        [
          g.range('60 * sum by (instance) (rate(heapfloor_go_endpoint_requests_total{@}[$__rate_interval]))', 'requests of {{instance}}'),
          g.range('60 * sum by (instance, reason) (rate(heapfloor_go_endpoint_errors_total{@}[$__rate_interval]))', 'failed: {{reason}}, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
    ]),
  ]
)
