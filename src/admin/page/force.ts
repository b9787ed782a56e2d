/** The dialog that asks before it forces circuits, and the requests that force them and set them back. */
import type { ClientSnapshot } from '../snapshot.js';
import { byId, setText, showText } from './document.js';
import { forcingOf, limitOf } from './sentences.js';
import { asked } from './stream.js';
import { counted } from './words.js';

let chosen: { readonly name: string; readonly state: 'open' | 'closed' } | undefined;

/** Opens the dialog. The focus goes back to the button that opened it when the dialog is closed. */
export function askToForce(client: ClientSnapshot, state: 'open' | 'closed'): void {
  chosen = { name: client.name, state };
  setText(byId('force-title'), `Force the circuits of ${client.name} ${state}?`);
  setText(byId('force-effect'), forcingOf(client, state));
  showText(byId('force-failed'), '');
  byId<HTMLSelectElement>('force-for').value = '15';
  fillLimit();
  byId<HTMLDialogElement>('force').showModal();
}

export function undoForce(name: string): Promise<string> {
  return sendForce(name, 'state=auto');
}

/** Returns what went wrong; empty if nothing did. */
async function sendForce(name: string, query: string): Promise<string> {
  try {
    const answer = await asked(`clients/${encodeURIComponent(name)}/circuit?${query}`, { method: 'POST' });
    return answer.ok ? '' : `Nothing was changed: ${(await answer.json()).error}`;
  } catch {
    return 'Nothing is known to have changed: there is no connection.';
  }
}

function minutesChosen(): number | null {
  const { value } = byId<HTMLSelectElement>('force-for');
  return value === '' ? null : Number(value);
}

function fillLimit(): void {
  const minutes = minutesChosen();
  setText(byId('force-limit'), limitOf(minutes, Date.now()));
  const time =
    minutes === null
      ? 'until changed'
      : minutes < 60
        ? `for ${minutes} minutes`
        : `for ${counted(minutes / 60, 'hour', 'hours')}`;
  setText(byId('force-do'), `Force ${chosen?.state} ${time}`);
}

/** Sets the handlers of the dialog, once. */
export function prepareDialog(): void {
  const dialog = byId<HTMLDialogElement>('force');
  const button = byId<HTMLButtonElement>('force-do');
  byId('force-for').onchange = fillLimit;
  byId('force-cancel').onclick = () => dialog.close();
  byId('force-form').onsubmit = async (event) => {
    event.preventDefault();
    if (chosen === undefined || button.getAttribute('aria-disabled') === 'true') return;
    // `disabled` would take the focus away.
    button.setAttribute('aria-disabled', 'true');
    showText(byId('force-failed'), '');
    const minutes = minutesChosen();
    const failed = await sendForce(chosen.name, `state=${chosen.state}${minutes === null ? '' : `&for=${minutes}m`}`);
    button.removeAttribute('aria-disabled');
    showText(byId('force-failed'), failed);
    if (failed === '') dialog.close();
  };
}
