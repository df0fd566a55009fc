import type { AffiliateId, AgreementId, Id, ProgramId } from '../ids.js';
import type { Instant } from '../time.js';
import { parseLocalDate } from '../time.js';
import type { DocumentKind } from './document.js';

/** Whether a program's form asks for one of the known details (AFF-03). Name and e-mail are always asked for. */
export const askings = ['hidden', 'optional', 'required'] as const;
export type Asking = (typeof askings)[number];

export const questionTypes = ['text', 'longText', 'choice', 'checkbox', 'number', 'date', 'email', 'phone'] as const;
export type QuestionType = (typeof questionTypes)[number];

/** A question of the program's own. */
export interface Question {
  /** What an answer is sent under: `^[a-z][a-z0-9_]{0,39}$`. */
  readonly name: string;
  readonly label: string;
  readonly type: QuestionType;
  readonly required: boolean;
  /** Of a `choice`, else empty. */
  readonly options: readonly string[];
}

/** What a program asks of whoever applies (api.md 6.1). */
export interface ApplicationForm {
  /** Null: never saved, so the program asks for the known details only. */
  readonly id: Id<'applicationForm'> | null;
  readonly programId: ProgramId;
  readonly language: 'en' | 'de';
  readonly introduction: string | null;
  readonly company: Asking;
  readonly website: Asking;
  readonly country: Asking;
  readonly questions: readonly Question[];
  /** What must be seen of an affiliate (AFF-24). */
  readonly documents: readonly DocumentKind[];
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What a program without a form of its own asks for. */
export const defaultAskings = { company: 'optional', website: 'optional', country: 'optional' } as const;

/** An answer beside its question as it was asked, so that a changed form does not change what was said. */
export interface Answer {
  readonly name: string;
  readonly label: string;
  readonly value: string;
}

export interface Application {
  readonly id: Id<'application'>;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  readonly answers: readonly Answer[];
  readonly recruiterId: AffiliateId | null;
  readonly agreementId: AgreementId | null;
  readonly question: string | null;
  readonly askedAt: Instant | null;
  readonly reply: string | null;
  readonly repliedAt: Instant | null;
  readonly createdAt: Instant;
}

export interface AnswerProblem {
  readonly name: string;
  readonly code: 'required' | 'unknown_field' | 'bad_format' | 'not_in_list' | 'too_long';
}

const longest: Readonly<Record<QuestionType, number>> = {
  text: 500,
  longText: 2_000,
  choice: 200,
  checkbox: 5,
  number: 30,
  date: 10,
  email: 254,
  phone: 40,
};

/**
 * The answers in the order of their questions, or what is wrong with them. A checkbox is `true` or `false`; a required one must be `true`.
 * An empty text is no answer.
 */
export function judgeAnswers(
  questions: readonly Question[],
  given: Readonly<Record<string, string>>,
): { readonly answers: readonly Answer[]; readonly problems: readonly AnswerProblem[] } {
  const answers: Answer[] = [];
  const problems: AnswerProblem[] = [];
  const known = new Set(questions.map(({ name }) => name));
  for (const name of Object.keys(given)) if (!known.has(name)) problems.push({ name, code: 'unknown_field' });
  for (const question of questions) {
    const { name, label } = question;
    const value = (Object.hasOwn(given, name) ? (given[name] ?? '') : '').trim();
    const isEmpty = value === '' || (question.type === 'checkbox' && value === 'false');
    if (isEmpty) {
      if (question.required) problems.push({ name, code: 'required' });
      else if (value !== '') answers.push({ name, label, value });
      continue;
    }
    const code = valueProblem(question, value);
    if (code === undefined) answers.push({ name, label, value });
    else problems.push({ name, code });
  }
  return { answers, problems };
}

function valueProblem(question: Question, value: string): AnswerProblem['code'] | undefined {
  if (Array.from(value).length > longest[question.type]) return 'too_long';
  switch (question.type) {
    case 'text':
    case 'longText':
      return undefined;
    case 'choice':
      return question.options.includes(value) ? undefined : 'not_in_list';
    case 'checkbox':
      return value === 'true' ? undefined : 'bad_format';
    case 'number':
      return /^-?\d{1,15}(\.\d{1,6})?$/.test(value) ? undefined : 'bad_format';
    case 'date':
      return parseLocalDate(value) === undefined ? 'bad_format' : undefined;
    case 'email':
      return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value) ? undefined : 'bad_format';
    case 'phone':
      return /^\+?[0-9 ()/.-]{5,40}$/.test(value) ? undefined : 'bad_format';
    default:
      return question.type satisfies never;
  }
}
