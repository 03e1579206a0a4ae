// What users of the mixin change: (import 'mixin.libsonnet') + {_config+:: {…}}.
{
  _config+:: {
    // Dashboards.
    dashboardPrefix: 'heapfloor / ',
    dashboardTags: ['heapfloor'],
    refresh: '1m',
    timeFrom: 'now-6h',

    // The page of an agent is at pagePrefix + the label `instance`, for example "https://gateway.example.org/heapfloor/".
    // Each dashboard has it as a variable, and chart_url of alerts begins with it.
    pagePrefix: 'http://',

    // Rules. HeapfloorAgentDown looks for this job.
    job: 'heapfloor',
    // Put before runbook_url, which is a path within this repository.
    runbookPrefix: '',
  },
}
