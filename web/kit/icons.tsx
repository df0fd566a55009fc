import type { ReactElement, ReactNode } from 'react';

/** A drawing beside its words, or for them where there is no room: the words stay for who listens. */
function Icon({
  size = 18,
  className,
  children,
}: {
  readonly size?: number;
  readonly className?: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      aria-hidden="true"
      {...(className === undefined ? {} : { className })}
    >
      {children}
    </svg>
  );
}

export function EyeIcon(): ReactElement {
  return (
    <Icon>
      <path d="M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7Z" />
      <circle cx="12" cy="12" r="3" />
    </Icon>
  );
}

/** In a head too narrow for its words (`.words-if-room`). */
export function SearchIcon(): ReactElement {
  return (
    <Icon className="icon-if-narrow">
      <circle cx="11" cy="11" r="7" />
      <path d="m21 21-5-5" />
    </Icon>
  );
}

export function BellIcon(): ReactElement {
  return (
    <Icon className="icon-if-narrow">
      <path d="M6 9a6 6 0 0 1 12 0c0 6 3 7 3 7H3s3-1 3-7" />
      <path d="M10 20a2 2 0 0 0 4 0" />
    </Icon>
  );
}
