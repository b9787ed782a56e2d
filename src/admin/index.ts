/** The public exports of `pillion/admin`: the admin handler with its page. */
export type { AdminToken } from './access.js';
export { type Admin, type AdminOptions, createAdmin, type ListenOptions } from './admin.js';
