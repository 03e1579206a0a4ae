// JVMs from outside: what lives after collections, and what collecting costs.
local g = import '../grafana.libsonnet';

local of = '@,group=~"$group"';
local sum(by, metric, matchers=of) = 'sum by (%s) (%s{%s})' % [by, metric, matchers];
local rate(by, metric) = 'sum by (%s) (rate(%s{%s}[$__rate_interval]))' % [by, metric, of];

function(config) g.dashboard(
  config,
  'heapfloor-jvm',
  'JVM',
  'JVMs as they are, from outside: what lives after collections against the limit of the heap, and what collecting costs.',
  [g.manyOfThese('group', 'Group', g.labelValues('heapfloor_jvm_info{@}', 'group'))],
  g.stateChanges('group=~"$group",scope=~"jvm|process"') + g.starts(of),
  [
    g.row('Live heap', [
      g.table(
        'JVMs',
        'Live is what stays after collections. Above four fifths of the limit an OutOfMemoryError is near; below it, heap in use is mostly garbage that a collection takes.',
        [
          {
            name: 'Live of limit',
            value: 'sum by (job, instance, group) (heapfloor_jvm_memory_used_after_gc_bytes{%s}) / sum by (job, instance, group) (heapfloor_jvm_heap_limit_bytes{%s})' % [of, of],
            unit: 'percentunit',
            decimals: 1,
            gauge: 1,
            width: 160,
          },
          { label: 'group', links: g.groupLinks },
          { label: 'instance', links: g.instanceLinks },
          {
            name: 'Live',
            value: sum('job, instance, group', 'heapfloor_jvm_memory_used_after_gc_bytes'),
            unit: 'bytes',
          },
          {
            name: 'Heap limit',
            value: sum('job, instance, group', 'heapfloor_jvm_heap_limit_bytes'),
            unit: 'bytes',
          },
          {
            name: 'Heap committed',
            width: 120,
            value: sum('job, instance, group', 'heapfloor_jvm_heap_committed_bytes'),
            unit: 'bytes',
          },
          {
            name: 'Resident',
            value: sum('job, instance, group', 'heapfloor_group_resident_memory_bytes') + ' and on (job, instance, group) heapfloor_jvm_info{%s}' % of,
            unit: 'bytes',
          },
          { name: 'Threads', value: sum('job, instance, group', 'heapfloor_jvm_threads'), unit: 'none' },
          {
            name: 'Processes',
            value: 'heapfloor_group_processes{%s} and on (job, instance, group) heapfloor_jvm_info{%s}' % [of, of],
            unit: 'none',
          },
        ],
        { sort: ['Live of limit', true], hidden: ['job'], height: 7 }
      ),
      g.timeseries(
        'What lives after collections',
        'The floor of the heap. A leak is a line that rises through every collection; the dashed line is the limit.',
        'bytes',
        [
          g.range(
            sum('group, instance, pool', 'heapfloor_jvm_memory_used_after_gc_bytes'),
            '{{group}} {{pool}} on {{instance}}'
          ),
          g.range(sum('group, instance', 'heapfloor_jvm_heap_limit_bytes'), 'limit of {{group}} on {{instance}}'),
        ],
        { min: 0, overrides: [g.limitLine('limit of.*')] }
      ),
      g.timeseries(
        'Heap by pool',
        'In use, garbage included: the teeth are collections. Only their lower ends tell of a leak.',
        'bytes',
        [g.range(sum('pool', 'heapfloor_jvm_memory_used_bytes', of + ',area="heap"'), '{{pool}}')],
        { min: 0, stacked: true }
      ),
      g.timeseries(
        'Growth of what lives',
        'Slope of the live heap of each JVM whose floor rises, as the detector measures it.',
        'binBps',
        [g.range('heapfloor_trend_growth_bytes_per_second{%s,scope="jvm"}' % of, '{{group}} {{subject}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Heap taken from the system',
        'Committed heap against its limit. A heap that is committed early hides its leak from resident memory.',
        'bytes',
        [
          g.range(sum('group, collector', 'heapfloor_jvm_heap_committed_bytes'), '{{group}} ({{collector}})'),
          g.range(sum('pool', 'heapfloor_jvm_memory_committed_bytes'), '{{pool}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Resident memory beside the heap',
        'Resident memory less committed heap, roughly: threads, code, direct buffers, native leaks. It may be negative while the heap is not all touched.',
        'bytes',
        [g.range(
          'sum by (job, instance, group) (heapfloor_group_resident_memory_bytes{%s,kind="anon"}) - on (job, instance, group) sum by (job, instance, group) (heapfloor_jvm_heap_committed_bytes{%s})' % [of, of],
          '{{group}} on {{instance}}'
        )],
        { width: 8 }
      ),
    ]),
    g.row('Collections', [
      g.timeseries(
        'Time in collections',
        'Share of the time in which the program stood still, of each process. Above a quarter it works for its collector. Shenandoah counts phases in which it does not stand still.',
        'percentunit',
        [g.range(
          'sum by (job, instance, group, generation) (rate(heapfloor_jvm_gc_seconds_total{%s}[$__rate_interval])) / on (job, instance, group) group_left () sum by (job, instance, group) (heapfloor_group_processes{%s} > 0)' % [of, of],
          '{{generation}}, {{group}} on {{instance}}'
        )],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Collections',
        'A minute, by generation. More than five young ones a minute in each process while the old generation rises is an alert.',
        'opm',
        [g.range('60 * ' + rate('group, collector, generation', 'heapfloor_jvm_gc_collections_total'), '{{generation}}, {{group}} ({{collector}})')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Collections that measure what lives',
        'Full collections and concurrent cycles, a minute: only behind them the detector learns. None for an hour: no verdict can come.',
        'opm',
        [g.range('60 * ' + rate('group, collector', 'heapfloor_jvm_old_collections_total'), '{{group}} ({{collector}})')],
        { min: 0, width: 8 }
      ),
    ]),
    g.row('Beside the heap', [
      g.timeseries('Metaspace', 'Memory of classes, which grows while class loaders leak; against its limit where it has one.', 'bytes', [
        g.range(sum('pool', 'heapfloor_jvm_memory_used_bytes', of + ',area="nonheap"'), '{{pool}}'),
        g.range(sum('pool', 'heapfloor_jvm_memory_limit_bytes', of + ',area="nonheap"'), 'limit of {{pool}}'),
      ], { min: 0, width: 8, overrides: [g.limitLine('limit of.*')] }),
      g.timeseries(
        'Classes',
        'Loaded classes. A steady rise is a leak of class loaders.',
        'short',
        [g.range(sum('group, instance', 'heapfloor_jvm_classes_loaded'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Threads',
        'Each has a stack outside the heap.',
        'short',
        [g.range(sum('group, instance', 'heapfloor_jvm_threads'), '{{group}} on {{instance}}')],
        { min: 0, width: 8 }
      ),
      g.table(
        'Versions',
        'Which JVMs run, and how they collect. What lives is measured by the rule of each collector.',
        [
          {
            name: 'Groups',
            value: 'count by (instance, group, collector, version, vendor) (heapfloor_jvm_info{%s})' % of,
            hidden: true,
          },
          { label: 'group', links: g.groupLinks },
          { label: 'collector' },
          { label: 'version' },
          { label: 'vendor' },
          { label: 'instance', links: g.instanceLinks },
        ],
        { height: 6 }
      ),
    ]),
  ]
)
