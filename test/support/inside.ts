/** Set up before each fast test: a connection, a server or a child process throws, so that no fast test turns slow unseen. */
import { ChildProcess } from 'node:child_process';
import { Server, Socket } from 'node:net';

function forbid(prototype: object, method: string, what: string): void {
  Object.defineProperty(prototype, method, {
    configurable: true,
    value: () => {
      throw new Error(`A fast test tried to ${what}. See test/support/fast.ts for what makes a test fast.`);
    },
  });
}

forbid(Socket.prototype, 'connect', 'open a connection');
forbid(Server.prototype, 'listen', 'start a server');
forbid(ChildProcess.prototype, 'spawn', 'start a child process');
