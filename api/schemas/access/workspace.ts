import { z } from 'zod';
import type { Workspace } from '../../../db/access/workspace.js';
import { nearestReadable } from '../../../domain/access/contrast.js';
import type { SettingsRecord } from '../../../db/access/settings.js';
import { emailWire, fieldIssue, idWire, instantWire, nameText, text, versionFields } from '../wire.js';

/** Capabilities a workspace switches on and off (PRG-23). What is not there is on. */
const featuresWire = z.strictObject({
  portal: z.boolean().exactOptional(),
  subIds: z.boolean().exactOptional(),
  pixel: z.boolean().exactOptional(),
  resellers: z.boolean().exactOptional(),
});

const colorForm = /^#[0-9a-f]{6}$/;
const isColor = (text: string): boolean => colorForm.test(text);

const brandingWire = z.strictObject({
  color: z
    .string()
    .regex(colorForm)
    .check((context) => {
      const readable = isColor(context.value) ? nearestReadable(context.value) : undefined;
      if (readable !== undefined)
        context.issues.push({
          ...fieldIssue('out_of_range', `Text on it could not be read. The nearest colour that passes is ${readable}.`),
          input: context.value,
        });
    })
    .exactOptional(),
  /** A picture of the workspace's own library, by its address (docs/decisions/0252): pages show pictures of their own origin only. */
  logoUrl: z
    .string()
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .nullable()
    .exactOptional(),
});

export const workspacePatch = z.strictObject({
  name: nameText.exactOptional(),
  branding: brandingWire.exactOptional(),
  resellerLabel: text(40).nullable().exactOptional(),
  features: featuresWire.exactOptional(),
});

export const workspaceWire = z
  .strictObject({
    id: idWire('workspace'),
    object: z.literal('workspace'),
    name: z.string(),
    branding: z.record(z.string(), z.unknown()),
    resellerLabel: z.string().nullable(),
    features: z.record(z.string(), z.unknown()),
    timeZone: z.string(),
    defaultCurrency: z.string(),
    /** Off: nothing new is tracked and the console hides the module's screens; links deliver, finance can still pay (PRG-22). */
    moduleEnabled: z.boolean(),
    settingsSavedAt: instantWire.nullable(),
    payoutsFrozenAt: instantWire.nullable(),
    ...versionFields,
  })
  .openapi('Workspace');

/** A further merchant of this installation; the owner gets an invitation by mail. */
export const workspaceCreate = z.strictObject({ name: nameText, ownerEmail: emailWire });

export const workspaceEntryWire = z.strictObject({
  id: idWire('workspace'),
  object: z.literal('workspace'),
  name: z.string(),
});

export function presentWorkspace(workspace: Workspace, settings: SettingsRecord): z.output<typeof workspaceWire> {
  return {
    id: workspace.id,
    object: 'workspace',
    name: workspace.name,
    branding: { ...workspace.branding },
    resellerLabel: workspace.resellerLabel,
    features: { ...workspace.features },
    timeZone: settings.settings.general.timeZone,
    defaultCurrency: settings.settings.general.defaultCurrency,
    moduleEnabled: settings.settings.general.moduleEnabled,
    settingsSavedAt: settings.savedAt,
    payoutsFrozenAt: workspace.payoutsFrozenAt,
    version: workspace.version,
    createdAt: workspace.createdAt,
    updatedAt: workspace.updatedAt,
  };
}
