// The rules of ../prometheus/*.rules.yml, split as mixins have them. rules.json is made from those files by ../render.
{
  local config = self._config,
  local groups = std.flattenArrays([file.groups for file in (import 'rules.json')]),

  local configured(rule) = rule {
    expr: std.strReplace(rule.expr, 'job="heapfloor"', 'job="%s"' % config.job),
    annotations+: { runbook_url: config.runbookPrefix + super.runbook_url } + (
      if 'chart_url' in rule.annotations
      then { chart_url: config.pagePrefix + std.substr(super.chart_url, std.length('http://'), 1000) }
      else {}
    ),
  },

  // The groups that have rules of this kind, with these rules only; an evaluation of a group needs those that it records.
  local having(key, adapted) = [
    group { rules: [adapted(rule) for rule in group.rules if key in rule] }
    for group in groups
    if std.length([rule for rule in group.rules if key in rule]) > 0
  ],

  prometheusAlerts+:: { groups+: having('alert', configured) },
  prometheusRules+:: { groups+: having('record', function(rule) rule) },
}
