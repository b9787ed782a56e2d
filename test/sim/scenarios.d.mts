export interface Claim {
  readonly what: string;
  /** The value and its bar. */
  readonly text: string;
  readonly holds: boolean;
}

export interface Scenario {
  readonly title: string;
  run(): Promise<{ claims: Claim[]; plots: unknown[] }>;
}

export const scenarios: readonly Scenario[];
