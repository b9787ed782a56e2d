/** `pillion probe`: resolves, connects and does the TLS handshake as a client would, and sends no request. */
import { type ProbeReport, probeClient } from './checks/dry-run.js';
import { argumentsOf, type Command, CommandError } from './command.js';
import { loadClient } from './one-client.js';

export const probe: Command = {
  operands: 'FILE NAME',
  summary: 'test DNS, connection and TLS handshake of one client; no request is sent',
  options: ['--json         print the result as JSON'],
  async run(args, { out, env }) {
    const { flags, operands } = argumentsOf(args, ['json'], { least: 2, most: 2 });
    const [file = '', name = ''] = operands;
    const { config } = loadClient(file, name, { env });
    if (config.baseURL === undefined) throw new CommandError(`the client "${name}" has no baseURL to probe`);
    const report = await probeClient({ ...config, baseURL: config.baseURL });
    out(flags.has('json') ? `${JSON.stringify(report, null, 2)}\n` : text(name, report));
    return report.ok ? 0 : 1;
  },
};

function text(name: string, { origin, steps, ok }: ProbeReport): string {
  const lines = steps.map(({ step, detail, ms, failed }) => {
    const time = ms === undefined ? '' : `  ${ms.toFixed(1)} ms`;
    return `  ${step.padEnd(10)} ${failed ? 'FAILED ' : ''}${detail}${time}`;
  });
  return [`${name} ${origin}`, ...lines, ok ? 'ok' : 'failed', ''].join('\n');
}
