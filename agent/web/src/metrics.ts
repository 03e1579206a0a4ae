// The Prometheus text format, as far as the agent writes it: one sample a line.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"/g;
const ESCAPES: Record<string, string> = { n: '\n', '"': '"', '\\': '\\' };

function labelsOf(text: string | undefined): Record<string, string> {
  const labels = [...(text ?? '').matchAll(LABEL)];
  const plain = (raw: string) => raw.replace(/\\(.)/g, (all, letter: string) => ESCAPES[letter] ?? all);
  return Object.fromEntries(labels.map(([, name = '', value = '']) => [name, plain(value)]));
}

/** Every sample whose value is a finite number; other lines are left out. */
export function parseMetrics(page: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of page.split('\n')) {
    const match = LINE.exec(line);
    const value = Number(match?.[3]);
    if (match?.[1] && Number.isFinite(value)) samples.push({ name: match[1], labels: labelsOf(match[2]), value });
  }
  return samples;
}

/** The value of the only sample of that name; null where there is none. */
export function findSample(samples: readonly Sample[], name: string): number | null {
  return samples.find((sample) => sample.name === name)?.value ?? null;
}
