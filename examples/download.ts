/** A large file as a stream, with a progress bar, taken up again where the connection broke. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClient, type HttpClientDeps } from 'pillion';
import { pino } from 'pino';

/** A body that has begun is no longer the client's to repeat, so the loop is here: what is there already is not asked for again. */
async function download(client: HttpClient, url: string, file: string, show: (share: number) => void): Promise<number> {
  for (let parts = 1, from = 0, etag = ''; ; parts++) {
    // If-Range: a file that has changed meanwhile comes whole, and is begun anew.
    const headers = from > 0 ? { range: `bytes=${from}-`, 'if-range': etag } : {};
    // A deadline would end the body too: for a large file only each attempt has a limit, to its headers.
    const {
      data,
      headers: got,
      status,
    } = await client.get(url, { headers, responseType: 'stream', timeouts: { total: false } });
    if (status !== 206) from = 0;
    etag = String(got.etag);
    const total = from + Number(got['content-length']);
    let done = from;
    data.on('data', (chunk: Buffer) => {
      done += chunk.length;
      show(done / total);
    });
    try {
      await pipeline(data, createWriteStream(file, { flags: from > 0 ? 'a' : 'w' }));
      return parts;
    } catch (error) {
      from = statSync(file).size;
      if (parts === 5) throw error;
    }
  }
}

export async function main(deps: HttpClientDeps = {}, bar = (_: string) => {}): Promise<string[]> {
  const content = randomBytes(3_000_000);
  // Stands for a file server whose first connection breaks half way.
  const server = createServer((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { etag: '"v1"', 'content-length': content.length - from });
    if (from > 0) response.end(content.subarray(from));
    else response.write(content.subarray(0, 1_500_000), () => setTimeout(() => request.socket.destroy(), 50));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createHttpClient({ name: 'files', baseURL: `http://127.0.0.1:${port}` }, deps);
  const folder = mkdtempSync(join(tmpdir(), 'pillion-download-'));
  try {
    const file = join(folder, 'file.bin');
    const parts = await download(client, '/file.bin', file, (share) =>
      bar(`[${'#'.repeat(share * 30).padEnd(30)}] ${Math.floor(share * 100)} %`),
    );
    const same =
      createHash('sha256').update(readFileSync(file)).digest('hex') ===
      createHash('sha256').update(content).digest('hex');
    return [`${statSync(file).size} bytes in ${parts} parts`, `the same as was sent: ${same}`];
  } finally {
    rmSync(folder, { recursive: true });
    await client.close();
    server.close();
  }
}

const draw = (text: string) => process.stdout.write(process.stdout.isTTY ? `\r${text}` : '');
if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(`\n${(await main({ logger: pino() }, draw)).join('\n')}`);
