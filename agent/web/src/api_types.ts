// The page's names for what /api/v1 answers; the shapes are openapi.yaml's, of which the build makes the module `openapi`.
// Names that processes chose are text, never markup. A page that was open while the agent was upgraded meets words that
// are not listed here: they are shown as they are.

import type { components, operations } from 'openapi';

type Schemas = components['schemas'];

/** The query of an operation: its names are checked here, its values, which the address bar may have, by the agent. */
export type Query<Operation extends keyof operations> = Partial<
  Record<keyof NonNullable<operations[Operation]['parameters']['query']>, string | number | null>
>;

export type LeakState = Schemas['LeakState'];
export type Scope = Schemas['Scope'];
export type Signal = Schemas['Signal'];
/** Of an amount; what is in no unit that is known is shown as a size. */
export type Unit = Schemas['Unit'] | null | undefined;
export type LimitSource = Schemas['LimitSource'];

/** Of a floor, or of a site, whose bounds may be unknown. */
export type Growth = Schemas['Growth'] | Schemas['SiteGrowth'];
export type Prediction = Schemas['Exhaustion'];
export type SubjectName = Schemas['SubjectIdentity'];
export type StateChange = Schemas['StateChange'];

export type SubjectRow = Schemas['Subject'];
export type SubjectPage = Schemas['Subjects'];

export type Suspect = Schemas['Suspect'];
export type Suspects = Schemas['Suspects'];
export type OneSuspect = Schemas['OneSuspect'];
export type Cause = Schemas['Cause'];
export type Structure = Schemas['LeakStructure'];
export type Site = Schemas['Site'];
export type Gate = Schemas['GateResult'];
export type Evidence = Schemas['EvidenceItem'];
export type Capture = Schemas['Capture'];
export type Occasion = Schemas['Occasion'];

export type Series = Schemas['Series'];
export type Point = Schemas['SeriesPoint'];
export type TimeValue = Schemas['SeriesPair'];
export type FittedLine = Schemas['FittedLine'];
export type FormerLife = Schemas['FormerLife'];

export type CgroupRow = Schemas['Cgroup'];
export type CgroupPage = Schemas['Cgroups'];

export type Ooms = Schemas['Ooms'];
export type OomVictim = Schemas['OomVictim'];
export type OomWorkload = Schemas['OomWorkload'];

export type Alert = Schemas['Alert'];
export type AlertLinks = Schemas['AlertLinks'];
export type Alerts = Schemas['Alerts'];
export type Silence = Schemas['Silence'];
export type Silences = Schemas['Silences'];

export type Status = Schemas['Status'];
export type Counts = Schemas['Counts'];
export type Collector = Schemas['Collector'];
export type ErrorCounts = Schemas['ErrorCounts'];
export type ExternalTarget = Schemas['ExternalTarget'];
export type GoEndpoint = Schemas['GoEndpoint'];

export type Config = Schemas['Config'];
