/** A strict reader of the Prometheus text format, 0.0.4: it throws for whatever the format does not allow. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|\})/;

export function exposition(text: string): Sample[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('The last line does not end.');
  const samples: Sample[] = [];
  const families = new Map<string, string>();
  let open: string | undefined;
  let help: string | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const [, kind, family = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (families.has(family)) throw new Error(`${family} comes twice.`);
      help = family;
    } else if (kind === 'TYPE') {
      if (!/^(counter|gauge|histogram)$/.test(rest) || help !== family) throw new Error(line);
      families.set(family, rest);
      open = family;
    } else {
      const sample = sampleOf(line);
      const type = families.get(open ?? '') ?? '';
      const allowed = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => open + end) : [open];
      if (!allowed.includes(sample.name)) throw new Error(`${sample.name} stands under ${open}.`);
      if (type === 'counter' && !(sample.name.endsWith('_total') && sample.value >= 0)) throw new Error(line);
      samples.push(sample);
    }
  }
  const keys = samples.map((sample) => JSON.stringify([sample.name, sample.labels]));
  if (new Set(keys).size !== keys.length) throw new Error('A sample comes twice.');
  return samples;
}

function sampleOf(line: string): Sample {
  const [metric] = name.exec(line) ?? [];
  if (metric === undefined) throw new Error(`No name: ${line}`);
  let rest = line.slice(metric.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (let end = ','; end === ','; ) {
      const [whole = '', key = '', value = '', next = ''] = label.exec(rest) ?? [];
      if (whole === '' || key in labels) throw new Error(`Bad labels: ${line}`);
      labels[key] = value.replace(/\\([\\n"])/g, (_, each: string) => (each === 'n' ? '\n' : each));
      rest = rest.slice(whole.length);
      end = next;
    }
  }
  if (!/^ (-?\d+(\.\d+)?(e[+-]?\d+)?|\+Inf)$/.test(rest)) throw new Error(`Bad value: ${line}`);
  return { name: metric, labels, value: Number(rest.trim().replace('+Inf', 'Infinity')) };
}
