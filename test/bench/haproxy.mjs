/** HAProxy as one more sidecar: that of the machine, or Debian's packages unpacked into a cache folder; and the pod's file in its terms. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startProxy, written } from '../differential/envoy.mjs';

const run = promisify(execFile);

/** HAProxy and the libraries that Debian 12 has it linked to, of which a machine without HAProxy lacks some. */
const packages = ['haproxy', 'liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1'];
const shelf = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pillion-haproxy');

/** Says what it is; throws where it does not run. */
function checked(program, env = process.env) {
  const version = execFileSync(program, ['-v'], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
  return { program, env, version: /version (\S+)/.exec(version)[1] };
}

/**
 * The program, its environment and its version.
 * @throws Error saying why there is none, such as on a system without apt
 */
export async function installHaproxy() {
  try {
    return checked('haproxy');
  } catch {
    // Not on this machine.
  }
  try {
    mkdirSync(shelf, { recursive: true, mode: 0o700 });
    // A program that others can replace must not be run.
    if (lstatSync(shelf).uid !== userInfo().uid) throw new Error(`${shelf} belongs to somebody else`);
    const place = join(shelf, 'debian');
    if (!existsSync(place)) await unpack(place);
    const { stdout } = await run('find', [place, '-name', '*.so*', '-printf', '%h\\n']);
    const libraries = [...new Set(stdout.trim().split('\n'))].join(':');
    return checked(join(place, 'usr/sbin/haproxy'), { ...process.env, LD_LIBRARY_PATH: libraries });
  } catch (error) {
    throw new Error(`apt could not download it, or it does not run here (${error.message.trim().split('\n').pop()})`);
  }
}

async function unpack(place) {
  const own = mkdtempSync(`${place}-`);
  try {
    await run('apt-get', ['download', '--quiet', ...packages], { cwd: own, timeout: 60_000 });
    await run('sh', ['-c', 'for file in *.deb; do dpkg-deb --extract "$file" . && rm "$file"; done'], { cwd: own });
    renameSync(own, place);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The pod's file in HAProxy's terms: the same attempts, time limits and connections, but no wait between attempts. The time to
 * connect is longer, since HAProxy counts the TLS handshake in.
 */
function haproxyConfig({ port, tlsPort, tls, identity }) {
  return `global
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 1500ms
  retries 3
  retry-on conn-failure empty-response response-timeout 500 502 503 504
frontend billing_listener
  bind 127.0.0.1:${port}
  default_backend billing_upstream
backend billing_upstream
  http-reuse always
  server billing 127.0.0.1:${tlsPort} ssl crt ${identity} ca-file ${tls.ca} verify required sni str(localhost) verifyhost localhost maxconn 200
`;
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Starts it and resolves once it listens; `stop()` ends it and waits for its end. */
export async function startHaproxy({ program, env }, { port, tlsPort, tls }) {
  const identity = written(
    tls.folder,
    'identity.pem',
    [tls.cert, tls.key].map((file) => `${readFileSync(file, 'utf8').trim()}\n`).join(''),
  );
  const file = written(tls.folder, 'haproxy.cfg', haproxyConfig({ port, tlsPort, tls, identity }));
  return startProxy(`HAProxy with ${file}`, { program, args: ['-db', '-f', file], env }, () => accepts(port));
}
