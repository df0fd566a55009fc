import { useHotkeys } from '@mantine/hooks';

const storedAs = 'single-keys';

/** Single letters may be switched off in the profile (WCAG 2.1.4). */
export function singleKeysAreOn(): boolean {
  return localStorage.getItem(storedAs) !== 'off';
}

export function switchSingleKeys(on: boolean): void {
  localStorage.setItem(storedAs, on ? 'on' : 'off');
}

/** Letters of a screen; never inside fields, never while a dialog is open, never with the switch off. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useHotkeys(
    Object.entries(keys).map(([key, act]) => [
      key,
      () => {
        if (singleKeysAreOn() && document.querySelector('[role="dialog"]') === null) act();
      },
      { preventDefault: true },
    ]),
  );
}

/** `g` and then a letter within a second and a half: jumps. */
export function sequenceKeys(targets: Readonly<Record<string, () => void>>): (event: KeyboardEvent) => void {
  let armedAt = 0;
  return (event) => {
    const target = event.target as HTMLElement | null;
    const isTyping = target !== null && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !singleKeysAreOn()) return;
    if (document.querySelector('[role="dialog"]') !== null) return;
    if (event.key === 'g') armedAt = event.timeStamp;
    else if (armedAt > 0 && event.timeStamp - armedAt < 1_500) {
      armedAt = 0;
      const jump = targets[event.key];
      if (jump === undefined) return;
      event.preventDefault();
      event.stopImmediatePropagation(); // `g r` opens referrals and must not also reject
      jump();
    } else armedAt = 0;
  };
}
