// What the router asks of a view.

import type { Status } from '../api_types';

export interface Environment {
  status: Status;
  now: number; // the agent's wall clock, Unix seconds
}

export interface View {
  element: HTMLElement;
  title: string;
  /** Asks the agent for what the view shows; the answer shows it. Called again and again while the view is open. */
  ask(signal: AbortSignal, now: number): Promise<(environment: Environment) => void>;
  /** The agent refused. */
  fail(error: Error): void;
  destroy?(): void;
}
