import { Dialog } from "@/components/Dialog";
import { type Key, useTranslate } from "@/i18n/translate";
import { PLACES } from "./places";

const KEYS: [string, Key][] = [
  ["Ctrl K", "help.palette"],
  ["/", "help.filter"],
  ["j / k", "help.move"],
  ["Enter", "help.open_row"],
  ["x", "help.select"],
  ["r", "help.retry"],
  ["c", "help.cancel"],
  ["l", "help.live"],
  ["t", "help.theme"],
  ["?", "help.help"],
];

export function Help({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useTranslate();
  return (
    <Dialog title={t("help.title")} isOpen={isOpen} onClose={onClose}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {[...KEYS.map(([keys, key]) => [keys, t(key)] as const), ...PLACES.map((place) => [`g ${place.shortcut}`, t(place.name)] as const)].map(
          ([keys, meaning]) => (
            <div key={keys} className="contents">
              <dt>
                <kbd className="rounded border border-line bg-panel px-1.5 py-0.5 font-mono text-xs">{keys}</kbd>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ),
        )}
      </dl>
    </Dialog>
  );
}
