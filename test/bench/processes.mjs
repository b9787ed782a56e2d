/** What Linux tells of a process: CPU time. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const tick = () => 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
let microsecondsPerTick;

/** User and system time in ticks, from the text of /proc/PID/stat: fields 14 and 15, counted after the name in parentheses. */
export function ticksOf(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

export function cpuMicroseconds(pid) {
  microsecondsPerTick ??= tick();
  return ticksOf(readFileSync(`/proc/${pid}/stat`, 'utf8')) * microsecondsPerTick;
}
