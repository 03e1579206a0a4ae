// The agents themselves: do they see everything, what do they cost, do their alerts arrive.
local g = import '../grafana.libsonnet';

local gauge(metric, legend) = g.range('%s{@}' % metric, legend);
local rate(by, metric, legend) = g.range('sum by (%s) (rate(%s{@}[$__rate_interval]))' % [by, metric], legend);
local increase(by, metric, legend) = g.range('round(sum by (%s) (increase(%s{@}[$__rate_interval])))' % [by, metric], legend);
local badAboveNothing = { thresholds: [['green', null], ['red', 1]] };

function(config) g.dashboard(
  config,
  'heapfloor-agent',
  'Agent',
  'The agents themselves: whether they see everything, what they cost, whether their alerts arrive.',
  [],
  g.moment('Start of an agent', 'purple', 'process_start_time_seconds{@}', 'heapfloor started', 'instance'),
  [
    g.row('Can it be believed', [
      g.stat('Agents up', 'Agents that Prometheus reaches.', 'none', g.latest('sum(up{@})', 'up')),
      g.stat(
        'Failing collectors',
        'Collectors whose last collection read nothing.',
        'none',
        g.latest('count(heapfloor_collector_success{@} == 0) or vector(0)', 'failing'),
        badAboveNothing
      ),
      g.stat(
        'Sources not accessible',
        "Kernel files that cannot be read at all, for want of a capability or of the kernel's support. The status page says which.",
        'none',
        g.latest('count(heapfloor_source_accessible{@} == 0) or vector(0)', 'sources'),
        { thresholds: [['green', null], ['yellow', 1]] }
      ),
      g.stat(
        'Series of the fullest',
        'Series kept for the detector, of those that are allowed. At 1 new programs go unseen.',
        'percentunit',
        g.latest('max(sum by (job, instance) (heapfloor_series{@}) / on (job, instance) max by (job, instance) (heapfloor_series_limit{@}))', 'used'),
        { thresholds: [['green', null], ['orange', 0.8], ['red', 0.95]], decimals: 1 }
      ),
      g.stat(
        'Old configurations',
        'Agents whose last reload was refused: they run with the configuration before it.',
        'none',
        g.latest('count(heapfloor_config_last_reload_successful{@} == 0) or vector(0)', 'refused'),
        badAboveNothing
      ),
      g.stat(
        'Open to others',
        'Agents that others reach without TLS and authentication.',
        'none',
        g.latest('sum(heapfloor_http_insecure{@})', 'open'),
        badAboveNothing
      ),
      g.table(
        'Agents',
        'One row an agent. Memory against its own budget; followed is how many subjects the detector has.',
        [
          { name: 'Up', value: 'up{@}', unit: 'bool_yes_no', width: 70 },
          { label: 'instance', links: g.instanceLinks },
          { label: 'version', width: 100 },
          { label: 'revision', width: 130 },
          { name: 'Followed', value: 'sum by (job, instance) (heapfloor_trend_subjects{@})', unit: 'none', width: 85 },
          { name: 'Cgroups', value: 'heapfloor_cgroups{@}', unit: 'none', width: 80 },
          { name: 'Probes', value: 'heapfloor_probe_targets{@}', unit: 'none', width: 75 },
          { name: 'JVMs', value: 'heapfloor_watched_jvms{@}', unit: 'none', width: 65 },
          { name: 'Go', value: 'heapfloor_watched_go_programs{@}', unit: 'none', width: 60 },
          { name: 'Resident', value: 'process_resident_memory_bytes{@}', unit: 'bytes' },
          {
            name: 'Of its budget',
            value: 'process_resident_memory_bytes{@} / heapfloor_agent_memory_budget_bytes{@}',
            unit: 'percentunit',
            decimals: 0,
          },
          {
            name: 'Configured',
            value: '1000 * heapfloor_config_last_reload_success_timestamp_seconds{@}',
            unit: 'dateTimeAsIso',
            width: 155,
          },
          { name: 'Host up since', value: '1000 * heapfloor_host_boot_timestamp_seconds{@}', unit: 'dateTimeAsIso', width: 155 },
          { name: 'Build', value: 'heapfloor_build_info{@}', hidden: true },
        ],
        { sort: ['Up', false], hidden: ['job', 'branch', 'compiler', 'standard'], height: 7 }
      ),
    ]),
    g.row('What it does not see', [
      g.timeline(
        'Collectors',
        'Red: the last collection of the collector read nothing, on one agent at least. Choose an instance above to see on which.',
        [g.range('min by (collector) (heapfloor_collector_success{@})', '{{collector}}')],
        { '0': { text: 'reads nothing', color: 'red' }, '1': { text: 'reads', color: 'green' } },
        { width: 12 }
      ),
      g.timeline(
        'Sources',
        'Red: the kernel lacks the source, or refuses it, on one host at least. Choose an instance above to see on which.',
        [g.range('min by (source) (heapfloor_source_accessible{@})', '{{source}}')],
        { '0': { text: 'not accessible', color: 'red' }, '1': { text: 'accessible', color: 'green' } },
        { width: 12 }
      ),
      g.timeseries(
        'Not readable',
        'Entities or values left out, by collector and reason. Processes that ended meanwhile are normal.',
        'ops',
        [rate('collector, reason', 'heapfloor_collector_errors_total', '{{collector}}: {{reason}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Left out on purpose',
        'Reads put off for want of budget, disabled, or too large.',
        'ops',
        [rate('collector, reason', 'heapfloor_collector_skipped_total', '{{collector}}: {{reason}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Left out for a limit',
        'Series, samples of the page, processes and cgroups beyond limits.*. Anything here is not watched or not shown.',
        'none',
        [
          increase('instance, collector', 'heapfloor_series_dropped_total', 'series of {{collector}}, {{instance}}'),
          increase('instance', 'heapfloor_exposition_samples_dropped_total', 'samples of the page, {{instance}}'),
          increase('instance', 'heapfloor_exposition_processes_dropped_total', 'processes on the page, {{instance}}'),
          increase('instance', 'heapfloor_cgroups_skipped_total', 'cgroups, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Probes, JVMs and Go programs',
        'Programs whose probe, counters or runtime are read, are kept after their end, or are not believed.',
        'none',
        [
          gauge('heapfloor_probe_targets', 'probes, {{instance}}'),
          gauge('heapfloor_probe_kept_targets', 'probes kept, {{instance}}'),
          gauge('heapfloor_probe_quarantined_targets', 'probes not believed, {{instance}}'),
          gauge('heapfloor_watched_jvms', 'JVMs, {{instance}}'),
          g.range('sum by (instance, reason) (heapfloor_unreadable_jvms{@})', 'JVMs not readable: {{reason}}, {{instance}}'),
          gauge('heapfloor_watched_go_programs', 'Go, {{instance}}'),
          g.range('sum by (instance, reason) (heapfloor_unreadable_go_programs{@})', 'Go not readable: {{reason}}, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Readings of probes',
        'Believed and not. Rejections of layout mean a probe of another version: restart the program with the new one.',
        'ops',
        [
          rate('instance', 'heapfloor_probe_reads_total', 'believed, {{instance}}'),
          rate('reason', 'heapfloor_probe_reads_rejected_total', 'rejected: {{reason}}'),
          rate('reason', 'heapfloor_allocator_samples_skipped_total', 'allocator put off: {{reason}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        "The kernel's log",
        'Victims of the OOM killer that it named, and times that records were overwritten before they were read.',
        'none',
        [
          increase('instance', 'heapfloor_kernel_log_oom_victims_total', 'victims, {{instance}}'),
          increase('instance', 'heapfloor_kernel_log_gaps_total', 'gaps, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
    ]),
    g.row('What it costs', [
      g.timeseries(
        'Memory',
        'Resident memory of the agent against its budget. It should be level: HeapfloorAgentSelfGrowth watches it as any other program.',
        'bytes',
        [
          gauge('process_resident_memory_bytes', '{{instance}}'),
          g.range('min(heapfloor_agent_memory_budget_bytes{@})', 'least budget'),
        ],
        { min: 0, width: 8, overrides: [g.limitLine('least budget')] }
      ),
      g.timeseries(
        'Processor',
        'CPU time a second, in processors.',
        'percentunit',
        [g.range('rate(process_cpu_seconds_total{@}[$__rate_interval])', '{{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Time of a tick',
        'Time that the last collection of each collector, and the detector, took.',
        's',
        [
          g.range('max by (collector) (heapfloor_collector_duration_seconds{@})', '{{collector}}'),
          g.range('max(heapfloor_trend_evaluation_duration_seconds{@})', 'detector'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Share of the time in smaps',
        'Reading smaps_rollup holds up the process that is read; it is bounded by collection.smaps_duty.',
        'percentunit',
        [gauge('heapfloor_smaps_duty_ratio', '{{instance}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Series and subjects',
        'Series kept for the detector, by collector, and subjects that it follows, by scope.',
        'short',
        [
          g.range('sum by (collector) (heapfloor_series{@})', 'series of {{collector}}'),
          g.range('sum by (scope) (heapfloor_trend_subjects{@})', 'subjects: {{scope}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Verdicts',
        'Made a second, and series given up because their subject ended.',
        'ops',
        [
          rate('instance', 'heapfloor_trend_evaluations_total', 'verdicts, {{instance}}'),
          rate('instance', 'heapfloor_trend_subjects_evicted_total', 'given up, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Descriptors and threads',
        'Open file descriptors over those that may be open, and threads.',
        'percentunit',
        [
          g.range('process_open_fds{@} / process_max_fds{@}', 'descriptors, {{instance}}'),
          gauge('process_threads', 'threads, {{instance}}'),
        ],
        {
          min: 0,
          width: 8,
          overrides: [{
            matcher: { id: 'byRegexp', options: 'threads.*' },
            properties: [{ id: 'unit', value: 'none' }, { id: 'custom.axisPlacement', value: 'right' }],
          }],
        }
      ),
      g.timeseries(
        'History on the disk',
        'Size of the history and of the evidence beside it.',
        'bytes',
        [
          gauge('heapfloor_history_size_bytes', 'history, {{instance}}'),
          gauge('heapfloor_evidence_size_bytes', 'evidence, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Troubles of the disk',
        'Errors of the history and of evidence, intervals that were not written, rows and captures that were damaged.',
        'none',
        [
          increase('instance', 'heapfloor_history_errors_total', 'history, errors, {{instance}}'),
          increase('instance', 'heapfloor_history_batches_dropped_total', 'history, intervals not written, {{instance}}'),
          increase('instance', 'heapfloor_history_rows_rejected_total', 'history, damaged rows, {{instance}}'),
          increase('instance', 'heapfloor_evidence_errors_total', 'evidence, errors, {{instance}}'),
          gauge('heapfloor_evidence_damaged_captures', 'evidence, damaged captures, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
    ]),
    g.row('Servers whose series it follows', [
      g.table(
        'Other servers',
        'One row a target of external.targets. Series below the minimum of their target are not watched.',
        [
          { name: 'Answers', value: 'heapfloor_external_target_up{@}', unit: 'bool_yes_no', width: 90 },
          { label: 'target' },
          { label: 'instance', links: g.instanceLinks },
          { name: 'Series', value: 'heapfloor_external_target_series{@}', unit: 'none', width: 90 },
          { name: 'Took', value: 'heapfloor_external_target_duration_seconds{@}', unit: 's', decimals: 1, width: 90 },
          {
            name: 'Last answer',
            value: '1000 * heapfloor_external_target_last_success_timestamp_seconds{@}',
            unit: 'dateTimeFromNow',
            width: 150,
          },
        ],
        { sort: ['Answers', false], hidden: ['job'], empty: 'no server is followed', width: 12, height: 7 }
      ),
      g.timeseries(
        'What is not followed of them',
        'Failed rounds, series left out of an answer, and readings whose time is ahead of this host.',
        'none',
        [
          increase('target, reason', 'heapfloor_external_target_errors_total', '{{target}}, failed: {{reason}}'),
          increase('target, reason', 'heapfloor_external_target_series_dropped_total', '{{target}}, left out: {{reason}}'),
          increase('target', 'heapfloor_external_target_readings_refused_total', '{{target}}, readings ahead of time'),
        ],
        { min: 0, noValue: 'no server is followed', width: 12, height: 7 }
      ),
    ]),
    g.row('Alerts, evidence, page', [
      g.table(
        'Longest active alerts',
        "Alerts of the agents' own, the oldest on top.",
        [
          {
            name: 'Since',
            value: '1000 * heapfloor_alert_active_since_timestamp_seconds{@}',
            unit: 'dateTimeAsIso',
            width: 170,
          },
          { label: 'alertname' },
          { label: 'subject' },
          { label: 'group', links: g.groupLinks },
          { label: 'instance', links: g.instanceLinks },
        ],
        { sort: ['Since', false], hidden: ['job', 'scope'], empty: 'none', height: 7 }
      ),
      g.timeseries(
        "Alerts of the agents' own",
        "Alerts that the agents themselves hold pending or firing (not those of Prometheus' rules).",
        'none',
        [g.range('sum by (alertname, alertstate) (heapfloor_alert_active{@}) or label_replace(vector(0), "alertname", "none", "", "")', '{{alertname}} {{alertstate}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Alerts sent',
        'To each receiver: sent, refused and given up, a minute. Given up means that nobody was told.',
        'opm',
        [
          g.range(
            '60 * sum by (receiver) (rate(heapfloor_alert_notifications_total{@}[$__rate_interval]))',
            'sent, {{receiver}}'
          ),
          g.range(
            '60 * sum by (receiver) (rate(heapfloor_alert_notifications_failed_total{@}[$__rate_interval]))',
            'refused, {{receiver}}'
          ),
          g.range(
            '60 * sum by (receiver) (rate(heapfloor_alert_notifications_dropped_total{@}[$__rate_interval]))',
            'given up, {{receiver}}'
          ),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Queue of alerts',
        'Alerts that wait for each receiver, over the room that there is, and whether Alertmanagers answer.',
        'percentunit',
        [
          g.range('heapfloor_alert_queue_length{@} / heapfloor_alert_queue_capacity{@}', '{{receiver}}'),
          gauge('heapfloor_alertmanager_up', 'answers: {{alertmanager}}'),
        ],
        {
          min: 0,
          width: 8,
          overrides: [{
            matcher: { id: 'byRegexp', options: 'answers: .*' },
            properties: [{ id: 'unit', value: 'bool_yes_no' }, { id: 'max', value: 1 }, { id: 'custom.axisPlacement', value: 'right' }],
          }],
        }
      ),
      g.timeseries(
        'Time of a notification',
        'What requests to receivers took: nine of ten were faster.',
        's',
        [g.range('histogram_quantile(0.9, sum by (receiver, le) (rate(heapfloor_alert_notification_duration_seconds_bucket{@}[$__rate_interval]))) >= 0', '{{receiver}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Changes of alerts',
        "Alerts of the agents' own that became pending, firing or resolved, within each step.",
        'none',
        [increase('alertname, to', 'heapfloor_alert_transitions_total', '{{alertname}} to {{to}}')],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Evidence',
        'Captures made, by occasion, and kept.',
        'none',
        [
          increase('occasion', 'heapfloor_evidence_captures_total', 'captured: {{occasion}}'),
          gauge('heapfloor_evidence_kept_captures', 'kept, {{instance}}'),
        ],
        { min: 0, width: 8 }
      ),
      g.timeseries(
        'Requests',
        'Answered HTTP requests by handler and code.',
        'reqps',
        [rate('handler, code', 'heapfloor_http_requests_total', '{{handler}} {{code}}')],
        { min: 0, width: 12 }
      ),
      g.timeseries(
        'Connections',
        'Clients connected, requests being answered, and connections refused, a minute.',
        'none',
        [
          gauge('heapfloor_http_connections', 'connected, {{instance}}'),
          gauge('heapfloor_http_requests_in_flight', 'being answered, {{instance}}'),
          g.range(
            '60 * sum by (reason) (rate(heapfloor_http_connections_refused_total{@}[$__rate_interval]))',
            'refused: {{reason}}'
          ),
        ],
        { min: 0, width: 12 }
      ),
      g.timeseries(
        'Size of the page',
        'Of /metrics before compression, by format. Past limits.page_samples it is cut.',
        'bytes',
        [g.range('max by (instance, format) (heapfloor_exposition_size_bytes{@})', '{{format}}, {{instance}}')],
        { min: 0, width: 12 }
      ),
      g.timeseries(
        'Log messages',
        'Written a minute, by level.',
        'opm',
        [g.range('60 * sum by (level) (rate(heapfloor_log_messages_total{@}[$__rate_interval]))', '{{level}}')],
        { min: 0, width: 12 }
      ),
    ]),
  ]
)
