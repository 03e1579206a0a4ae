// One suspect: the floors, the pace and the forecast, and what in it grows.
local g = import '../grafana.libsonnet';

local of = '@,subject="$subject"';
local signal = of + ',signal=~"$signal"';

function(config) g.dashboard(
  config,
  'heapfloor-suspect',
  'Suspect',
  'Whether one subject leaks, how fast, until when, and what in it grows.',
  [
    g.one('subject', 'Subject', g.labelValues('heapfloor_leak_state{@}', 'subject')),
    g.many('signal', 'Signal', g.labelValues('heapfloor_leak_state{@,subject="$subject"}', 'signal')),
    g.one('group', 'Group', g.labelValues('heapfloor_leak_state{@,subject="$subject"}', 'group')) { hide: 2 },
  ],
  g.stateChanges('subject="$subject"'),
  [
    g.row('Verdict', [
      g.worstState(
        'State',
        'The worst state of the chosen signals. Suspected: the floor has risen, evidence is missing. Leaking: every gate is passed. Recovering: it rises no longer.',
        signal
      ),
      g.stat(
        'Time left',
        'Until the first of the chosen signals meets its limit, at the pace of now. "none": it is not suspected, or no limit is known.',
        's',
        g.latest('min(heapfloor_trend_predicted_exhaustion_timestamp_seconds{%s}) - time()' % signal, 'left'),
        { thresholds: [['red', null], ['orange', 4 * 3600], ['green', 24 * 3600]], decimals: 1, noValue: 'none' }
      ),
      g.stat(
        'Ends at',
        'When the first of the chosen signals meets its limit, at the pace of now.',
        'dateTimeAsIsoNoDateIfToday',
        g.latest('1000 * min(heapfloor_trend_predicted_exhaustion_timestamp_seconds{%s})' % signal, 'end'),
        { noValue: 'none' }
      ),
      g.stat(
        'Grows by',
        'The fastest of the chosen signals in bytes: a robust slope of its floors.',
        'binBps',
        g.latest('max(heapfloor_trend_growth_bytes_per_second{%s})' % signal, 'growth'),
        { noValue: 'none' }
      ),
      g.stat(
        'Confidence',
        'How sure the rise of the floors is: 1 minus the one-sided p of the trend test; at most 50 % before it is confirmed.',
        'percentunit',
        g.latest('max(heapfloor_trend_confidence_ratio{%s})' % signal, 'confidence'),
        { decimals: 1, noValue: 'none' }
      ),
      g.stat(
        'Rising floors',
        'Floors in a row that rise, at the end of the window. A sawtooth that falls back to its floor has none.',
        'none',
        g.latest('max(heapfloor_trend_rising_floors{%s})' % signal, 'floors'),
        { noValue: 'none' }
      ),
      g.table(
        'Signals',
        'All signals of the subject that grow, one a row. Click the signal for the evidence on the page of its agent.',
        [
          {
            name: 'Time left',
            value: 'heapfloor_trend_predicted_exhaustion_timestamp_seconds{%s} - time()' % of,
            unit: 's',
            decimals: 1,
            width: 110,
          },
          { label: 'signal', links: g.subjectLinks, width: 180 },
          { label: 'subject' },
          { label: 'group', links: g.groupLinks },
          { label: 'instance', links: g.instanceLinks },
          { name: 'Floor', value: 'heapfloor_trend_floor_bytes{%s}' % of, unit: 'bytes', width: 100 },
          {
            name: 'Grows by',
            value: 'heapfloor_trend_growth_bytes_per_second{%s}' % of,
            unit: 'binBps',
            width: 110,
          },
          {
            name: 'At least',
            value: 'heapfloor_trend_growth_low_bytes_per_second{%s}' % of,
            unit: 'binBps',
            width: 110,
          },
          {
            name: 'At most',
            value: 'heapfloor_trend_growth_high_bytes_per_second{%s}' % of,
            unit: 'binBps',
            width: 110,
          },
          {
            name: 'Confidence',
            value: 'heapfloor_trend_confidence_ratio{%s}' % of,
            unit: 'percentunit',
            decimals: 1,
            width: 100,
          },
        ],
        { sort: ['Grows by', true], hidden: ['job', 'scope'], empty: 'none grows', height: 6 }
      ),
    ]),
    g.row('Its build', [
      g.table(
        'Build',
        'Which build of which program it runs. The page of the agent says since which build it grows, and how the one before went.',
        [
          { name: 'Signals', value: 'count by (instance, program, build, version) (heapfloor_trend_build_info{%s})' % of, hidden: true },
          { label: 'program' },
          { label: 'version' },
          { label: 'build' },
          { label: 'instance', links: g.instanceLinks },
        ],
        { empty: 'not known', height: 4 }
      ),
    ]),
    g.row('The floor', [
      g.timeseries(
        'Floors in bytes',
        'What the subject still holds after it has compacted, or its low-water marks. A leak is a staircase that only goes up; a cache bends and becomes level.',
        'bytes',
        [
          g.range('heapfloor_trend_floor_bytes{%s}' % signal, '{{signal}}'),
          g.range('min(heapfloor_group_memory_limit_bytes{@,group="$group"})', 'least limit of a process of the group'),
        ],
        { width: 16, height: 10, overrides: [g.limitLine('least limit.*')] }
      ),
      g.statesOverTime('State of each signal', 'Yellow is suspected, red leaking, blue recovering.', signal, { width: 8, height: 10 }),
      g.timeseries(
        'Pace',
        'Slope of the floors with its confidence interval. A pace that falls towards nothing is a warm-up; one that stays is a leak.',
        'binBps',
        [
          g.range('heapfloor_trend_growth_bytes_per_second{%s}' % signal, '{{signal}}'),
          g.range('heapfloor_trend_growth_low_bytes_per_second{%s}' % signal, '{{signal}}, at least'),
          g.range('heapfloor_trend_growth_high_bytes_per_second{%s}' % signal, '{{signal}}, at most'),
        ],
        {
          width: 8,
          overrides: [{
            matcher: { id: 'byRegexp', options: '.*, at (least|most)' },
            properties: [
              { id: 'custom.lineStyle', value: { fill: 'dash', dash: [4, 8] } },
              { id: 'custom.fillOpacity', value: 0 },
            ],
          }],
        }
      ),
      g.timeseries(
        'Forecast',
        'Time left as it was forecast at each moment. A good forecast falls by a second each second; one that stays level is one that the growth does not bear out.',
        's',
        [g.range('heapfloor_trend_predicted_exhaustion_timestamp_seconds{%s} - time()' % signal, '{{signal}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Counts',
        'Floors of what is counted, not measured in bytes: threads, file descriptors, elements.',
        'short',
        [
          g.range('heapfloor_trend_floor_elements{%s}' % signal, '{{signal}}'),
          g.range('60 * heapfloor_trend_growth_elements_per_second{%s}' % signal, '{{signal}}, a minute'),
        ],
        { width: 8, noValue: 'nothing of it is counted' }
      ),
      g.timeseries(
        'Confidence and rising floors',
        'Both rise while a leak goes on. Floors that start again from nothing were broken by one that fell.',
        'percentunit',
        [
          g.range('heapfloor_trend_confidence_ratio{%s}' % signal, '{{signal}}'),
          g.range('heapfloor_trend_rising_floors{%s}' % signal, '{{signal}}, rising floors'),
        ],
        {
          min: 0,
          width: 12,
          overrides: [{
            matcher: { id: 'byRegexp', options: '.*, rising floors' },
            properties: [{ id: 'unit', value: 'none' }, { id: 'custom.axisPlacement', value: 'right' }],
          }],
        }
      ),
      g.timeseries(
        'Compactions',
        'What the floors were measured behind, by cause, a minute. Without compactions floors are low-water marks, and a verdict takes longer.',
        'opm',
        [g.range('60 * sum by (signal, cause) (rate(heapfloor_trend_compactions_total{%s}[$__rate_interval]))' % signal, '{{signal}}: {{cause}}')],
        { min: 0, width: 12 }
      ),
    ]),
    g.row('What in it grows', [
      g.timeseries(
        'Cause',
        'What the growth is made of. live_growth: the program holds more, look at the sites; allocator_retention: its allocator keeps more, trim or take another one; thread_stacks: there are more threads; shared_memory and file_cache are not the heap; unattributed: nothing tells.',
        'percentunit',
        [g.range('heapfloor_leak_cause_ratio{%s}' % of, '{{cause}}')],
        { min: 0, max: 1, stacked: true, width: 8 }
      ),
      g.bars(
        'Structures',
        'Share of the growth of the live heap that each structure explains.',
        'percentunit',
        g.latest('sort_desc(heapfloor_leak_structure_share_ratio{%s})' % of, '{{structure}}'),
        { max: 1, width: 8, noValue: 'not known' }
      ),
      g.bars(
        'Sites',
        'Share of the growth of the live heap that each allocation site explains. The page of the agent has its stack.',
        'percentunit',
        g.latest('sort_desc(%s)' % g.namedSites('heapfloor_leak_site_share_ratio', of), '{{function}} {{location}} {{site}}'),
        { max: 1, width: 8, noValue: 'not known' }
      ),
      g.timeseries(
        'Growth of sites',
        'The sites that grow most, with the structure that they allocate for.',
        'binBps',
        [g.range(g.namedSites('heapfloor_leak_site_growth_bytes_per_second', of), '{{function}} {{location}} {{site}} {{structure}}')],
        { width: 12, noValue: 'not known' }
      ),
      g.timeseries(
        'Concentration',
        'Share of the live heap that its five largest sites hold. Above two thirds a leak of one of them is the whole story.',
        'percentunit',
        [g.range('heapfloor_live_heap_concentration_ratio{%s}' % of, 'five largest sites')],
        { min: 0, max: 1, width: 12 }
      ),
    ]),
    g.row('Its group', [
      g.timeseries(
        'Resident memory of the group',
        "What the kernel counts, by kind. Growth of anon is the program's; file comes and goes with its mappings.",
        'bytes',
        [g.range('sum by (kind) (heapfloor_group_resident_memory_bytes{@,group="$group"})', '{{kind}}')],
        { min: 0, stacked: true }
      ),
      g.timeseries(
        'Load of the group',
        'CPU time a second. Memory that follows the load is not a leak; memory that grows under a level load may be one.',
        'short',
        [g.range('sum by (instance) (rate(heapfloor_group_cpu_seconds_total{@,group="$group"}[$__rate_interval]))', 'processors, {{instance}}')],
        { min: 0 }
      ),
    ]),
  ]
)
