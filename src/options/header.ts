/** Names and values of headers in options. */
import { z } from 'zod';

/** The name of a header (RFC 9110). */
export const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'expected the name of a header' });

/** The value of a header: one line of visible characters. */
export const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: 'expected one line of text' });
