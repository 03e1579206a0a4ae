// The shapes of what /api/v1 answers, as far as the page reads them. Times are Unix seconds, what is not known is null;
// amounts stand in the unit of their signal. Names were chosen by processes: they are text, never markup.

export type LeakState = 'learning' | 'stable' | 'suspected' | 'leaking' | 'recovering';

/** Per second, in the unit of the signal. */
export interface Growth {
  estimate: number;
  low: number | null;
  high: number | null;
}

export interface Prediction {
  limit: number | null;
  limit_source: string | null;
  at: number;
  earliest: number | null;
  latest: number | null;
}

export interface SubjectName {
  pid: number | null;
  start_time: number | null;
  comm: string;
  group: string;
  cgroup?: string | null;
  part?: string | null;
}

export interface Proportional {
  anon_bytes: number | null;
  file_bytes: number | null;
  shmem_bytes: number | null;
  swap_bytes: number | null;
  sampled_at: number;
}

/** A line of `subjects`. */
export interface SubjectRow {
  id: string;
  scope: string;
  subject: SubjectName;
  signal: string;
  watched: boolean;
  state: LeakState | null;
  unit: string | null;
  value: number | null;
  floor: number | null;
  growth_per_second: Growth | null;
  confidence: number | null;
  predicted_exhaustion: Prediction | null;
  resident_anon_bytes: number | null;
  resident_file_bytes: number | null;
  resident_shmem_bytes: number | null;
  swap_bytes: number | null;
  threads: number | null;
  proportional: Proportional | null;
}

export interface SubjectPage {
  total: number;
  offset: number;
  subjects: SubjectRow[];
}

export interface Gate {
  gate: string;
  passed: boolean | null;
  detail: string;
}

export type Evidence =
  | { kind: 'builds'; text: string }
  | { kind: 'goroutines'; before: number; now: number; stack_growth_bytes: number; stack_share: number | null }
  | { kind: 'signal'; id: string; signal: string; unit: string | null; growth_per_second: Growth | null }
  | { kind: 'earlier_runs'; runs: number; seconds: number };

export interface Capture {
  id: string;
  occasion: string;
  at: number;
  files: string[];
}

export interface Structure {
  name: string;
  phase: string | null;
  growth_bytes_per_second: number | null;
  share: number | null;
}

export interface Site {
  site: string;
  function: string | null;
  file: string | null;
  line: number | null;
  location: string | null;
  structure: string | null;
  phase: string | null;
  container: string | null;
  element: string | null;
  growth_bytes_per_second: Growth | null;
  share: number | null;
}

export interface Build {
  name: string;
  id: string;
  version: string | null;
}

export interface StateChange {
  at: number;
  state: LeakState;
}

export interface Suspect {
  id: string;
  scope: string;
  subject: SubjectName;
  signal: string;
  state: LeakState;
  since: number;
  severity: string | null;
  unit: string | null;
  value?: number | null;
  floor: number | null;
  growth_per_second: Growth | null;
  confidence: number | null;
  predicted_exhaustion: Prediction | null;
  cause: Record<string, number | null>;
  cause_summary: string | null;
  sites: Site[];
  structures: Structure[];
  build?: (Build & { since: number }) | null;
  gates: Gate[];
  reason: string;
  explanation: string;
  evidence: Evidence[];
  captures?: Capture[];
  changes?: StateChange[];
}

export interface FormerLife {
  start_time: number;
  ended_at: number;
  reason: string;
  state: LeakState;
  floor: number | null;
  value: number | null;
  build?: Build | null;
}

/** [time, minimum, maximum] */
export type Point = [number, number, number];
/** [time, value] */
export type TimeValue = [number, number];

export interface FittedLine {
  start: TimeValue;
  end: TimeValue;
  growth_per_second: Growth | null;
}

export interface Series {
  id: string;
  signal: string;
  unit: string | null;
  state: LeakState | null;
  points: Point[];
  floors: TimeValue[];
  line: FittedLine | null;
  limit: number | null;
  predicted_exhaustion: Prediction | null;
  changes: StateChange[];
  former_lives: FormerLife[];
}

export interface CgroupRow {
  cgroup: string;
  name: string;
  identity: { runtime: string | null; namespace: string | null; pod: string | null; pod_uid: string | null };
  processes: number | null;
  unreclaimable_bytes: number | null;
  working_set_bytes: number | null;
  limit_share: number | null;
  effective_limit: { bytes: number; source: string; cgroup: string | null } | null;
  oom_kills: number | null;
  pressure: { waiting_seconds: number | null; stalled_seconds: number | null };
  watches: { id: string; signal: string; state: LeakState }[];
}

export interface CgroupPage {
  total: number;
  offset: number;
  now: number;
  cgroups: CgroupRow[];
}

export interface OomVictim {
  at: number;
  pid: number;
  comm: string;
  group: string | null;
  cgroup: string | null;
  workload: string | null;
  resident_anon_bytes: number | null;
  id: string | null;
}

export interface OomWorkload {
  workload: string;
  oom_kills: number;
  last_at: number;
}

export interface Ooms {
  kernel_log_readable: boolean | null;
  victims: OomVictim[];
  workloads: OomWorkload[];
}

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'firing' | 'pending';
  activeAt: string;
  silenced?: boolean;
  silencedBy?: string;
}

export interface Silence {
  id: string;
  state: 'active' | 'expired';
  matchers: { name: string; pattern: string }[];
  comment: string;
  createdBy: string;
  startsAt: string;
  endsAt: string | null;
  until: 'next_build' | null;
  configured: boolean;
}

export interface Collector {
  name: string;
  success: boolean;
  duration_seconds: number | null;
  last_success_at: number | null;
  errors?: Record<string, number>;
  skipped?: Record<string, number> | null;
  sources?: Record<string, boolean>;
  closed_sources?: Record<string, string | null>;
}

export interface ExternalTarget {
  name: string;
  url: string;
  up: boolean | null;
  duration_seconds: number | null;
  last_success_at: number | null;
  series: number;
  series_dropped?: Record<string, number>;
  readings_refused: number;
  error: string | null;
}

export interface Counts extends Record<LeakState, number> {
  processes: number;
  groups: number;
  watched: number;
  watched_processes: number;
  alerts_pending: number;
  alerts_firing: number;
}

export interface Status {
  version: string;
  revision: string;
  now: number;
  started_at: number;
  interval_seconds: number;
  minimum_size_bytes: number;
  first_verdict_seconds: number;
  host: { memory_capacity_bytes: number | null; memory_available_bytes: number | null };
  counts: Counts;
  collectors: Collector[];
  external_targets?: ExternalTarget[];
  probes?: { targets: number | null; quarantined: number | null; kept: number | null };
  series: { series: number; limit: number; dropped: number };
}
