// Constructors of Grafana's classic dashboard JSON. Source: Grafana's documentation "JSON model", and @grafana/schema.
//
// In every expression `@` stands for the matchers of job and instance, which each selector must have.
local matchers = 'job=~"$job",instance=~"$instance"';
local datasource = { type: 'prometheus', uid: '${datasource}' };

// Kept over a link to another dashboard.
local kept = '${datasource:queryparam}&${job:queryparam}&var-page=${page:percentencode}&${__url_time_range}';

// As on the page of the agent.
local states = {
  recovering: 'blue',
  suspected: 'yellow',
  leaking: 'red',
};

local letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

{
  local g = self,

  expression(text):: std.strReplace(std.strReplace(std.rstripChars(text, '\n'), '@', matchers), '\n', ' '),

  // The series of `metric` that belong to signals that are suspected or leaking.
  ofSuspects(metric, selector):: |||
    %(metric)s{%(selector)s}
    and on (job, instance, scope, subject, signal)
    heapfloor_leak_state{%(selector)s,state=~"suspected|leaking"} == 1
  ||| % { metric: metric, selector: selector },

  // A metric of sites, with the names of those that have one.
  namedSites(metric, selector):: (
    '%(metric)s{%(of)s} * on (instance, subject, site) group_left (function, location) heapfloor_leak_site_info{%(of)s}'
    + ' or %(metric)s{%(of)s} unless on (instance, subject, site) heapfloor_leak_site_info{%(of)s}'
  ) % { metric: metric, of: selector },

  // --- Targets

  range(expr, legend):: {
    expr: g.expression(expr),
    legendFormat: legend,
    range: true,
    instant: false,
    format: 'time_series',
  },

  // The latest value, one row or bar each.
  latest(expr, legend=''):: g.range(expr, legend) { range: false, instant: true },

  // A column of a table, besides the labels.
  column(expr):: g.latest(expr) { format: 'table' },

  local numbered(targets) = std.mapWithIndex(
    function(i, target) target { refId: letters[i], datasource: datasource, editorMode: 'code' }, targets
  ),

  // --- Panels: {width, height} are taken by the layout

  local panel(type, title, description, targets) = {
    type: type,
    title: title,
    description: description,
    datasource: datasource,
    targets: numbered(targets),
    transparent: false,
  },

  local steps(thresholds) = {
    mode: 'absolute',
    steps: [{ color: pair[0], value: pair[1] } for pair in thresholds],
  },

  // `options`: min, max, stacked, decimals, links, noValue, interpolation, overrides, width, height.
  timeseries(title, description, unit, targets, options={}):: panel('timeseries', title, description, targets) {
    fieldConfig: {
      defaults: {
        unit: unit,
        links: std.get(options, 'links', []),
        color: { mode: 'palette-classic' },
        thresholds: steps([['green', null]]),
        custom: {
          drawStyle: 'line',
          lineInterpolation: std.get(options, 'interpolation', 'linear'),
          lineWidth: 1,
          fillOpacity: if std.get(options, 'stacked', false) then 30 else 8,
          showPoints: 'auto',
          spanNulls: false,
          axisPlacement: 'auto',
          scaleDistribution: { type: 'linear' },
          stacking: { group: 'A', mode: if std.get(options, 'stacked', false) then 'normal' else 'none' },
        },
      } + { [key]: options[key] for key in ['min', 'max', 'decimals', 'noValue'] if key in options },
      overrides: std.get(options, 'overrides', []),
    },
    options: {
      // There is room for four lines: the largest.
      legend: {
        displayMode: 'table',
        placement: 'bottom',
        showLegend: true,
        calcs: ['lastNotNull', 'max'],
        sortBy: 'Last *',
        sortDesc: true,
      },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    width:: std.get(options, 'width', 12),
    height:: std.get(options, 'height', 8),
  },

  // A line that is a bound of the others: drawn dashed, without a fill, outside of the stack.
  limitLine(name):: {
    matcher: { id: 'byRegexp', options: name },
    properties: [
      { id: 'color', value: { mode: 'fixed', fixedColor: 'red' } },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
      { id: 'custom.stacking', value: { group: 'limit', mode: 'none' } },
    ],
  },

  // Lines that are called as states have their colours.
  stateColors:: [
    { matcher: { id: 'byName', options: state }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: states[state] } }] }
    for state in std.objectFields(states)
  ],

  // `options`: thresholds as [[colour, from], …], decimals, mappings, noValue, text, links, width, height.
  stat(title, description, unit, target, options={}):: panel('stat', title, description, [target]) {
    fieldConfig: {
      defaults: {
        unit: unit,
        color: { mode: 'thresholds' },
        thresholds: steps(std.get(options, 'thresholds', [['blue', null]])),
        mappings: std.get(options, 'mappings', []),
        links: std.get(options, 'links', []),
      } + { [key]: options[key] for key in ['decimals', 'noValue', 'min', 'max'] if key in options },
      overrides: [],
    },
    options: {
      colorMode: if 'thresholds' in options then 'background' else 'value',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: std.get(options, 'text', 'value'),
      wideLayout: true,
      showPercentChange: false,
      percentChangeColorMode: 'standard',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
    width:: std.get(options, 'width', 4),
    height:: std.get(options, 'height', 4),
  },

  // Of the worst state: 0 to 3.
  local worst(selector, by='') = |||
    max by (%(by)s) (
      3 * heapfloor_leak_state{%(of)s,state="leaking"}
      or 2 * heapfloor_leak_state{%(of)s,state="suspected"}
      or heapfloor_leak_state{%(of)s,state="recovering"}
    )
  ||| % { by: by, of: selector },
  local ranks = ['quiet', 'recovering', 'suspected', 'leaking'],

  worstState(title, description, selector):: g.stat(title, description, 'none', g.latest(worst(selector), 'state'), {
    thresholds: [['green', null]] + [[states[ranks[i]], i] for i in [1, 2, 3]],
    mappings: [{ type: 'value', options: { ['%d' % i]: { text: ranks[i], index: i } for i in [0, 1, 2, 3] } }],
    noValue: 'unknown',
  }),

  statesOverTime(title, description, selector, options):: g.timeline(
    title,
    description,
    [g.range(worst(selector, 'signal'), '{{signal}}')],
    { ['%d' % i]: { text: ranks[i], color: if i == 0 then 'transparent' else states[ranks[i]] } for i in [0, 1, 2, 3] },
    options
  ),

  bars(title, description, unit, target, options={}):: panel('bargauge', title, description, [target]) {
    fieldConfig: {
      defaults: {
        unit: unit,
        min: 0,
        color: { mode: 'continuous-GrYlRd' },
        thresholds: steps([['green', null]]),
        links: std.get(options, 'links', []),
      } + { [key]: options[key] for key in ['max', 'decimals', 'noValue'] if key in options },
      overrides: [],
    },
    options: {
      displayMode: 'gradient',
      orientation: 'horizontal',
      showUnfilled: true,
      valueMode: 'color',
      namePlacement: 'auto',
      sizing: 'auto',
      minVizWidth: 8,
      minVizHeight: 16,
      maxVizHeight: 300,
      legend: { displayMode: 'list', placement: 'bottom', showLegend: false, calcs: [] },
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
    width:: std.get(options, 'width', 12),
    height:: std.get(options, 'height', 8),
  },

  // `values`: value → {text, color}, as strings.
  timeline(title, description, targets, values, options={}):: panel('state-timeline', title, description, targets) {
    fieldConfig: {
      defaults: {
        unit: 'none',
        color: { mode: 'thresholds' },
        thresholds: steps([['transparent', null]]),
        custom: { fillOpacity: 80, lineWidth: 0 },
        mappings: [{
          type: 'value',
          options: { [key]: values[key] { index: std.parseInt(key) } for key in std.objectFields(values) },
        }],
      },
      overrides: [],
    },
    options: {
      mergeValues: true,
      showValue: 'never',
      alignValue: 'left',
      rowHeight: 0.8,
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'single', sort: 'none' },
    },
    width:: std.get(options, 'width', 24),
    height:: std.get(options, 'height', 8),
  },

  // `columns`: in the order of the page, {label: 'group'} or {value: query, name, unit, …}. The labels that all queries
  // have in common name a row. A value that is `hidden` is asked for its labels. `options`: sort as [column, descending], hidden
  // labels, empty (what is said where there are no rows), width, height.
  table(title, description, columns, options={}):: (
    local values = [column for column in columns if 'value' in column];
    // Grafana names the column of a query that alone has an answer "Value".
    local named(i) = 'Value #' + letters[i];
    local indexOf(column) = std.find(column.name, [value.name for value in values])[0];
    // Grafana takes 150 for a column that says nothing.
    local widthOf(column) = std.get(column, 'width', if 'value' in column && !('gauge' in column) then 105 else null);
    local field(column) = if 'value' in column then named(indexOf(column)) else column.label;
    local notShown = std.flattenArrays([
      [field(column)] + (if std.length(values) == 1 then ['Value'] else [])
      for column in values
      if std.get(column, 'hidden', false)
    ]);
    panel('table', title, description, [g.column(column.value) for column in values]) {
      fieldConfig: {
        defaults: {
          unit: 'none',
          color: { mode: 'thresholds' },
          thresholds: steps([['text', null]]),
          custom: { align: 'auto', cellOptions: { type: 'auto' }, filterable: false, inspect: false },
          noValue: std.get(options, 'empty', 'none'),
        },
        overrides: [{ matcher: { id: 'byRegexp', options: '.*' }, properties: [{ id: 'noValue', value: '-' }] }] + [
          {
            matcher: { id: 'byName', options: if 'value' in column then column.name else column.label },
            properties:
              (if 'unit' in column then [{ id: 'unit', value: column.unit }] else [])
              + (if 'decimals' in column then [{ id: 'decimals', value: column.decimals }] else [])
              + (if widthOf(column) != null then [{ id: 'custom.width', value: widthOf(column) }] else [])
              + (if 'links' in column then [{ id: 'links', value: column.links }] else [])
              + (if 'thresholds' in column then [
                   { id: 'thresholds', value: steps(column.thresholds) },
                   { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
                 ] else [])
              + (if std.get(column, 'label') == 'state' then [
                   { id: 'mappings', value: [{
                     type: 'value',
                     options: { [state]: { color: states[state] } for state in std.objectFields(states) },
                   }] },
                   { id: 'custom.cellOptions', value: { type: 'color-text' } },
                 ] else [])
              + (if 'gauge' in column then [
                   { id: 'min', value: 0 },
                   { id: 'max', value: column.gauge },
                   { id: 'color', value: { mode: 'continuous-GrYlRd' } },
                   { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic' } },
                 ] else []),
          }
          for column in columns
          if !std.get(column, 'hidden', false) && ('value' in column || 'links' in column || 'width' in column)
        ],
      },
      options: {
        frameIndex: 0,
        showHeader: true,
        cellHeight: 'sm',
        sortBy: if 'sort' in options then [{ displayName: options.sort[0], desc: options.sort[1] }] else [],
      },
      transformations: [
        { id: 'merge', options: {} },
        {
          id: 'organize',
          options: {
            excludeByName: { [name]: true for name in ['Time', '__name__'] + std.get(options, 'hidden', []) + notShown },
            indexByName: { [field(columns[i])]: i for i in std.range(0, std.length(columns) - 1) },
            renameByName: { Value: values[0].name } + {
              [named(i)]: values[i].name
              for i in std.range(0, std.length(values) - 1)
            },
          },
        },
      ],
      width:: std.get(options, 'width', 24),
      height:: std.get(options, 'height', 10),
    }
  ),

  // --- Links

  // To another dashboard; `variables` such as 'var-group=${__data.fields.group:percentencode}'.
  toDashboard(title, uid, variables):: {
    title: title,
    url: '/d/' + uid + '?' + std.join('&', variables + [kept]),
    targetBlank: false,
  },

  // To the page of an agent; `instance` an expression of Grafana, `fragment` such as '/suspect/ID'.
  toPage(title, instance, fragment=''):: {
    title: title,
    url: '${page:raw}' + instance + '/' + (if fragment == '' then '' else '#' + fragment),
    targetBlank: true,
  },

  // Of a row of a table, and of a series.
  ofRow(label):: '${__data.fields.%s:percentencode}' % label,
  ofSeries(label):: '${__field.labels.%s:percentencode}' % label,

  // Where a subject is looked at closer, from a row that has the labels instance, subject and signal.
  subjectLinks:: [
    g.toDashboard('This suspect', 'heapfloor-suspect', [
      'var-instance=' + g.ofRow('instance'),
      'var-subject=' + g.ofRow('subject'),
    ]),
    g.toPage("This suspect on heapfloor's page",
             '${__data.fields.instance:raw}',
             '/suspect/' + g.ofRow('subject') + '/' + g.ofRow('signal')),
  ],
  groupLinks:: [
    g.toDashboard('This group', 'heapfloor-group', [
      'var-instance=' + g.ofRow('instance'),
      'var-group=' + g.ofRow('group'),
    ]),
    g.toDashboard('Its structures and sites', 'heapfloor-structures', [
      'var-instance=' + g.ofRow('instance'),
      'var-group=' + g.ofRow('group'),
    ]),
  ],
  cgroupLinks:: [
    g.toDashboard('This cgroup', 'heapfloor-cgroup', [
      'var-instance=' + g.ofRow('instance'),
      'var-cgroup=' + g.ofRow('cgroup'),
    ]),
  ],
  instanceLinks:: [
    g.toDashboard('This agent', 'heapfloor-agent', ['var-instance=' + g.ofRow('instance')]),
    g.toPage("This agent's page", '${__data.fields.instance:raw}'),
  ],
  seriesGroupLinks:: [
    g.toDashboard('This group', 'heapfloor-group', [
      'var-instance=' + g.ofSeries('instance'),
      'var-group=' + g.ofSeries('group'),
    ]),
  ],

  // --- Variables

  local variable(name, label, query) = {
    name: name,
    label: label,
    type: 'query',
    datasource: datasource,
    query: { query: query, refId: 'PrometheusVariableQueryEditor-VariableQuery', qryType: 1 },
    refresh: 2,
    sort: 1,
    regex: '',
    hide: 0,
    skipUrlSync: false,
    options: [],
    current: { text: '', value: '' },
  },

  // Any number of values; none chosen is all.
  many(name, label, query):: variable(name, label, query) {
    multi: true,
    includeAll: true,
    allValue: '.+',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  },

  // All is all that the query offers, not whatever has the label.
  manyOfThese(name, label, query):: g.many(name, label, query) { allValue: null },

  one(name, label, query):: variable(name, label, query) { multi: false, includeAll: false },

  labelValues(metric, label):: 'label_values(%s, %s)' % [g.expression(metric), label],

  // --- Dashboards

  local annotation(name, color, expr, title, tags, isTime=false) = {
    name: name,
    datasource: datasource,
    enable: true,
    hide: false,
    iconColor: color,
    expr: g.expression(expr),
    titleFormat: title,
    textFormat: '',
    tagKeys: tags,
    step: '15s',
    useValueForTime: if isTime then 'on' else false,
    target: {
      refId: 'Anno',
      expr: g.expression(expr),
      interval: '15s',
    },
  },

  // Changes of leak states among the subjects of `selector`: only the step in which a state begins.
  stateChanges(selector):: [
    annotation(
      'Leak: ' + state,
      states[state],
      |||
        heapfloor_leak_state{@,state="%(state)s"%(of)s} == 1
        unless
        heapfloor_leak_state{@,state="%(state)s"%(of)s} offset $__interval == 1
      ||| % { state: state, of: if selector == '' then '' else ',' + selector },
      '{{group}}: {{signal}} %s' % state,
      'scope,signal,subject,instance'
    )
    for state in ['suspected', 'leaking', 'recovering']
  ],

  // At the moment that a metric tells.
  moment(name, color, expr, title, tags):: [annotation(name, color, '1000 * ' + expr, title, tags, true)],

  // Starts of processes that have lived for a minute: of those that come and go all the time there are too many.
  starts(selector):: (
    local start = 'heapfloor_group_youngest_start_timestamp_seconds{%s}' % selector;
    g.moment('Start', 'purple', '(%s < time() - 60)' % start, '{{group}}: a process started', 'group,instance')
  ),

  // Rows of panels from left to right, as many as the width of 24 has room for; a row that has a title can be folded.
  local flow(cursor, one) = (
    local fits = cursor.x + one.width <= 24;
    local x = if fits then cursor.x else 0;
    local y = if fits then cursor.y else cursor.bottom;
    {
      x: x + one.width,
      y: y,
      bottom: std.max(if fits then cursor.bottom else 0, y + one.height),
      panels: cursor.panels + [one { gridPos: { x: x, y: y, w: one.width, h: one.height } }],
    }
  ),
  local heading(title, y) = {
    type: 'row',
    title: title,
    collapsed: false,
    gridPos: { x: 0, y: y, w: 24, h: 1 },
    panels: [],
  },
  local arrange(cursor, row) = std.foldl(
    flow,
    row.panels,
    {
      x: 0,
      y: cursor.bottom + 1,
      bottom: cursor.bottom + 1,
      panels: cursor.panels + [heading(row.title, cursor.bottom)],
    }
  ),

  row(title, panels):: { title: title, panels: panels },

  // `variables` come behind data source, job and instance.
  dashboard(config, uid, title, description, variables, annotations, rows):: {
    uid: uid,
    id: null,
    title: config.dashboardPrefix + title,
    description: description,
    tags: config.dashboardTags,
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    liveNow: false,
    refresh: config.refresh,
    timezone: '',
    weekStart: '',
    fiscalYearStartMonth: 0,
    time: { from: config.timeFrom, to: 'now' },
    timepicker: {},
    links: [{
      title: 'heapfloor',
      type: 'dashboards',
      tags: config.dashboardTags,
      asDropdown: true,
      includeVars: true,
      keepTime: true,
      targetBlank: false,
      icon: 'external link',
      tooltip: 'The other dashboards of heapfloor, at the same time range',
      url: '',
    }],
    annotations: {
      list: [{
        name: 'Annotations & Alerts',
        builtIn: 1,
        datasource: { type: 'grafana', uid: '-- Grafana --' },
        enable: true,
        hide: true,
        iconColor: 'rgba(0, 211, 255, 1)',
        type: 'dashboard',
      }] + annotations,
    },
    templating: {
      list: [
        {
          name: 'datasource',
          label: 'Data source',
          type: 'datasource',
          query: 'prometheus',
          regex: '',
          refresh: 1,
          multi: false,
          includeAll: false,
          hide: 0,
          skipUrlSync: false,
          options: [],
          current: { text: 'default', value: 'default' },
        },
        g.many('job', 'Job', 'label_values(heapfloor_build_info, job)'),
        g.many('instance', 'Instance', 'label_values(heapfloor_build_info{job=~"$job"}, instance)'),
      ] + variables + [{
        name: 'page',
        label: "Page's prefix",
        description: 'The page of an agent is at this prefix and its label instance, for example http:// or https://gateway/heapfloor/',
        type: 'textbox',
        query: config.pagePrefix,
        current: { selected: true, text: config.pagePrefix, value: config.pagePrefix },
        options: [{ selected: true, text: config.pagePrefix, value: config.pagePrefix }],
        hide: 0,
        skipUrlSync: false,
      }],
    },
    panels: std.mapWithIndex(
      function(i, one) one { id: i + 1 },
      std.foldl(arrange, rows, { x: 0, y: 0, bottom: 0, panels: [] }).panels
    ),
  },
}
