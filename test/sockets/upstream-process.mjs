/** An upstream that does as its parent says: `node upstream-process.mjs <address> <port>`. */
import http from 'node:http';

const [, , address, port] = process.argv;
let mode = 'well';
let served = 0;

process.on('message', (told) => {
  if (told.mode !== undefined) mode = told.mode;
  if (told.count) process.send({ served });
});

const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  served++;
  const answer = () => {
    response.statusCode = mode === 'erring' ? 503 : 200;
    response.end(`${address} ${request.headers.host}`);
  };
  setTimeout(answer, mode === 'slow' ? 1500 : 2);
});
server.listen(Number(port), address, () => process.send({ listening: server.address().port }));
process.on('disconnect', () => process.exit());
