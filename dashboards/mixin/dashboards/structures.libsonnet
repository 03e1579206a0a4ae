// Inside programs that carry a probe: structures, allocation sites, the allocator.
local g = import '../grafana.libsonnet';

local inGroup = '@,group=~"$group"';
local of = inGroup + ',structure=~"$structure"';
local sum(by, metric, matchers=of) = 'sum by (%s) (%s{%s})' % [by, metric, matchers];
local sumOfRow(metric) = sum('job, instance, group, structure', metric);
local rate(by, metric, matchers=of) = 'sum by (%s) (rate(%s{%s}[$__rate_interval]))' % [by, metric, matchers];
local allocator(metric, legend) = g.range(sum('group, allocator', metric, inGroup), legend + ', {{group}} ({{allocator}})');

function(config) g.dashboard(
  config,
  'heapfloor-structures',
  'Structures and sites',
  'Inside programs that carry a probe: which container grows, who allocates, and what the allocator keeps.',
  [
    g.many('group', 'Group', g.labelValues('heapfloor_allocator_in_use_bytes{@}', 'group')),
    g.many('structure', 'Structure', g.labelValues('heapfloor_structure_elements{%s}' % inGroup, 'structure')),
  ],
  g.stateChanges('group=~"$group",scope=~"structure|site|allocator"'),
  [
    g.row('What grows', [
      g.table(
        'Structures',
        'Containers that the programs name, the largest on top. Filled is elements over the room that there is for them (of hash tables: their buckets); one that is emptied and stays large keeps its room.',
        [
          {
            name: 'Memory',
            value: sumOfRow('heapfloor_structure_memory_bytes'),
            unit: 'bytes',
            width: 110,
          },
          { label: 'structure' },
          { label: 'group', links: g.groupLinks },
          { label: 'instance', links: g.instanceLinks },
          {
            name: 'Elements',
            value: sumOfRow('heapfloor_structure_elements'),
            unit: 'short',
          },
          {
            name: 'Net in 10 min',
            value: 'sum by (job, instance, group, structure) (delta(heapfloor_structure_elements{%s}[10m]))' % of,
            unit: 'short',
          },
          {
            name: 'Filled',
            value: '%s / (%s or %s)' % [sumOfRow(metric) for metric in [
              'heapfloor_structure_elements',
              'heapfloor_structure_capacity_elements',
              'heapfloor_structure_hash_buckets',
            ]],
            unit: 'percentunit',
            decimals: 0,
          },
          {
            name: 'Instances',
            value: sumOfRow('heapfloor_structure_instances'),
            unit: 'none',
          },
          {
            name: 'Most elements',
            value: sumOfRow('heapfloor_structure_peak_elements'),
            unit: 'short',
          },
          {
            name: 'Last emptied',
            value: '1000 * max by (job, instance, group, structure) (heapfloor_structure_last_clear_timestamp_seconds{%s} > 0)' % of,
            unit: 'dateTimeFromNow',
          },
        ],
        { sort: ['Memory', true], hidden: ['job'], height: 8 }
      ),
      g.timeseries(
        'Elements',
        'A structure that only goes up is the suspect; one that saws is a buffer.',
        'short',
        [g.range(
          'topk(15, %s)' % sum('group, instance, structure', 'heapfloor_structure_elements'),
          '{{structure}} of {{group}}'
        )],
        { min: 0 }
      ),
      g.timeseries(
        'Memory of structures',
        'Bytes that the instances have allocated for themselves.',
        'bytes',
        [g.range(
          'topk(15, %s)' % sum('group, instance, structure', 'heapfloor_structure_memory_bytes'),
          '{{structure}} of {{group}}'
        )],
        { min: 0 }
      ),
      g.timeseries(
        'Insertions over removals',
        'Elements inserted less those removed, a second. What stays above nothing is what grows.',
        'ops',
        [g.range('%s - %s' % [rate('group, instance, structure', 'heapfloor_structure_insertions_total'), rate('group, instance, structure', 'heapfloor_structure_removals_total')], '{{structure}} of {{group}}')],
        { width: 8 }
      ),
      g.timeseries(
        'Instances',
        'Living instances, and those started less those ended, a minute: a leak of whole containers.',
        'short',
        [
          g.range(sum('group, structure', 'heapfloor_structure_instances'), '{{structure}} of {{group}}'),
          g.range(
            '60 * (%s - %s)' % [rate('group, structure', 'heapfloor_structure_instances_started_total'), rate('group, structure', 'heapfloor_structure_instances_ended_total')],
            '{{structure}} of {{group}}, net a minute'
          ),
        ],
        { width: 8 }
      ),
      g.timeseries(
        'Room',
        'What there is room for, and the buckets of hash tables. Room that stays after its elements went is kept memory, not a leak.',
        'short',
        [
          g.range(sum('group, structure', 'heapfloor_structure_capacity_elements'), '{{structure}} of {{group}}, room'),
          g.range(sum('group, structure', 'heapfloor_structure_hash_buckets'), '{{structure}} of {{group}}, buckets'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Growths, rehashes, bytes moved',
        'What growing costs. Many growths of one structure: reserve room for it once.',
        'opm',
        [
          g.range('60 * ' + rate('group, structure', 'heapfloor_structure_growths_total'), '{{structure}} of {{group}}, growths'),
          g.range('60 * ' + rate('group, structure', 'heapfloor_structure_rehashes_total'), '{{structure}} of {{group}}, rehashes'),
          g.range(rate('group, structure', 'heapfloor_structure_moved_bytes_total'), '{{structure}} of {{group}}, moved'),
        ],
        {
          min: 0,
          overrides: [{
            matcher: { id: 'byRegexp', options: '.*, moved' },
            properties: [{ id: 'unit', value: 'binBps' }, { id: 'custom.axisPlacement', value: 'right' }],
          }],
        }
      ),
      g.timeseries(
        'Clears and shrinks',
        'Times that a structure was emptied or gave room back: the moments behind which the detector measures its floor.',
        'opm',
        [
          g.range('60 * ' + rate('group, structure', 'heapfloor_structure_clears_total'), '{{structure}} of {{group}}, clears'),
          g.range('60 * ' + rate('group, structure', 'heapfloor_structure_shrinks_total'), '{{structure}} of {{group}}, shrinks'),
          g.range(
            '60 * ' + rate('group, structure', 'heapfloor_structure_epochs_total'),
            '{{structure}} of {{group}}, all compactions'
          ),
        ],
        { min: 0 }
      ),
      g.table(
        'Where they are declared',
        'What each structure is, of what it holds elements, and the line that names it.',
        [
          {
            name: 'Memory',
            value: '%s * on (job, instance, group, structure) group_left (kind, element, file) heapfloor_structure_info{%s}' % [sumOfRow('heapfloor_structure_memory_bytes'), of],
            unit: 'bytes',
            width: 110,
          },
          { label: 'structure', width: 140 },
          { label: 'kind', width: 120 },
          { label: 'element' },
          { label: 'file' },
          { label: 'group', links: g.groupLinks, width: 130 },
          { label: 'instance', links: g.instanceLinks, width: 150 },
        ],
        { sort: ['Memory', true], hidden: ['job'], height: 7 }
      ),
    ]),
    g.row('Allocation sites', [
      g.timeseries(
        'Live bytes of sites',
        'Heap in use by the stack that allocated it, as sampling estimates it; five of each process, once a minute. The page of the agent has the stacks as a flame graph.',
        'bytes',
        [g.range('topk(15, heapfloor_site_live_bytes{%s})' % inGroup, '{{site}} of {{group}} {{pid}}')],
        { min: 0 }
      ),
      g.timeseries(
        'Growth of sites',
        'The sites of suspects that grow most, with the structure that they allocate for.',
        'binBps',
        [g.range(
          g.namedSites('heapfloor_leak_site_growth_bytes_per_second', inGroup + ',subject=~"process:.*"'),
          '{{function}} {{location}} {{site}} {{structure}} of {{group}}'
        )]
      ),
      g.timeseries('Sampled live heap of processes', 'Heap in use by each program, as sampling estimates it, beside what its allocator counts. They should run together.', 'bytes', [
        g.range('heapfloor_process_sampled_live_bytes{%s}' % inGroup, '{{group}} {{pid}}, sampled'),
        g.range('heapfloor_process_allocator_in_use_bytes{%s}' % inGroup, '{{group}} {{pid}}, in use'),
      ], { min: 0 }),
      g.timeseries(
        'Concentration',
        'Share of the live heap that its five largest sites hold.',
        'percentunit',
        [g.range('heapfloor_live_heap_concentration_ratio{%s}' % inGroup, '{{subject}} of {{group}}')],
        { min: 0, max: 1 }
      ),
    ]),
    g.row('The allocator', [
      g.timeseries(
        'In use and free',
        'What the program holds, and what its allocator keeps free. Free memory that grows under a level use is fragmentation: not a leak, and another allocator or a trim helps.',
        'bytes',
        [
          allocator('heapfloor_allocator_in_use_bytes', 'in use'),
          g.range(
            sum('group, allocator, state', 'heapfloor_allocator_free_bytes', inGroup),
            'free: {{state}}, {{group}} ({{allocator}})'
          ),
        ],
        { min: 0, stacked: true }
      ),
      g.timeseries(
        "From the kernel's side",
        'What the allocator has resident, active, mapped and retained (where it tells), and what a trim would return at most.',
        'bytes',
        [
          allocator('heapfloor_allocator_resident_bytes', 'resident'),
          allocator('heapfloor_allocator_active_bytes', 'active'),
          allocator('heapfloor_allocator_mapped_bytes', 'mapped'),
          allocator('heapfloor_allocator_retained_bytes', 'retained'),
          allocator('heapfloor_allocator_metadata_bytes', 'metadata'),
          allocator('heapfloor_allocator_releasable_bytes', 'releasable'),
        ],
        { min: 0 }
      ),
      g.timeseries(
        'Allocated and freed',
        'Bytes a second, as sampling estimates it. The gap between the two is the growth of the heap.',
        'binBps',
        [
          g.range(
            rate('group, allocator', 'heapfloor_allocator_allocated_bytes_total', inGroup),
            'allocated, {{group}} ({{allocator}})'
          ),
          g.range(
            rate('group, allocator', 'heapfloor_allocator_freed_bytes_total', inGroup),
            'freed, {{group}} ({{allocator}})'
          ),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Allocations',
        'Blocks a second, as sampling estimates it.',
        'ops',
        [g.range(
          rate('group, allocator', 'heapfloor_allocator_allocations_total', inGroup),
          '{{group}} ({{allocator}})'
        )],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Trims',
        'Times that free memory was returned to the kernel, a minute, and what came of it.',
        'opm',
        [
          g.range(
            '60 * ' + rate('group, allocator', 'heapfloor_allocator_trims_total', inGroup),
            'trims, {{group}} ({{allocator}})'
          ),
          g.range(
            rate('group, allocator', 'heapfloor_allocator_trim_released_bytes_total', inGroup),
            'released, {{group}} ({{allocator}})'
          ),
        ],
        {
          min: 0,
          width: 8,
          overrides: [{
            matcher: { id: 'byRegexp', options: 'released.*' },
            properties: [{ id: 'unit', value: 'binBps' }, { id: 'custom.axisPlacement', value: 'right' }],
          }],
        }
      ),
      g.timeseries('Arenas', 'Arenas, free blocks and blocks from mmap. Free blocks that grow are fragmentation.', 'short', [
        allocator('heapfloor_allocator_arenas', 'arenas'),
        allocator('heapfloor_allocator_free_chunks', 'free blocks'),
        allocator('heapfloor_allocator_mapped_regions', 'from mmap'),
      ], { min: 0, width: 8 }),
      g.timeseries(
        "Memory of glibc's arenas",
        'Of programs started with HEAPFLOOR_ARENAS=1. One arena that is mostly free belongs to a thread that once needed much.',
        'bytes',
        [g.range(
          'topk(15, %s)' % sum('group, arena, state', 'heapfloor_allocator_arena_memory_bytes', inGroup),
          'arena {{arena}} {{state}}, {{group}}'
        )],
        { min: 0, stacked: true, width: 8 }
      ),
      g.timeseries(
        'Cost of reading it',
        "Time of the last reading; the allocator's locks were held for part of it.",
        's',
        [g.range(
          'max by (group, allocator) (heapfloor_allocator_sample_duration_seconds{%s})' % inGroup,
          '{{group}} ({{allocator}})'
        )],
        { min: 0, width: 8 }
      ),
      g.table(
        'Allocators',
        'Which allocator serves each group, and when it was last read.',
        [
          {
            name: 'Last read',
            value: '1000 * max by (job, instance, group, allocator) (heapfloor_allocator_sample_timestamp_seconds{%s}) * on (job, instance, group, allocator) group_left (version) heapfloor_allocator_info{%s}' % [inGroup, inGroup],
            unit: 'dateTimeFromNow',
            width: 160,
          },
          { label: 'group', links: g.groupLinks },
          { label: 'allocator' },
          { label: 'version' },
          { label: 'instance', links: g.instanceLinks },
        ],
        { hidden: ['job'], height: 6 }
      ),
    ]),
  ]
)
