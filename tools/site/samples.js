// Tabs for samples that are the same in several languages. Without this all of them are shown, one after the other.
// The language that a reader has chosen counts on every page, and is remembered.
'use strict';

(() => {
    const KEY = 'pop3connect-language';
    const groups = [];

    const remembered = () => {
        try {
            return localStorage.getItem(KEY);
        } catch {
            return null; // nothing may be stored: the choice is for this page
        }
    };

    const show = (group, chosen) => {
        const index = Math.max(group.languages.indexOf(chosen), 0);
        group.tabs.forEach((tab, at) => {
            tab.setAttribute('aria-selected', String(at === index));
            tab.tabIndex = at === index ? 0 : -1;
            group.panels[at].hidden = at !== index;
        });
    };

    const choose = (language, tab) => {
        const before = tab.getBoundingClientRect().top;
        groups.forEach(group => {
            if (group.languages.includes(language)) show(group, language);
        });
        // other samples above have become longer or shorter: what was clicked stays where it was
        window.scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: 'instant' });
        try {
            localStorage.setItem(KEY, language);
        } catch {
            // as above
        }
    };

    document.querySelectorAll('.samples').forEach((frame, number) => {
        const group = { languages: [], tabs: [], panels: [] };
        const list = document.createElement('div');
        list.setAttribute('role', 'tablist');
        list.setAttribute('aria-label', 'Language');
        frame.querySelectorAll('.language').forEach((label, at) => {
            const language = label.textContent;
            const panel = document.createElement('div');
            const tab = document.createElement('button');
            panel.id = `sample-${number}-${at}`;
            panel.setAttribute('role', 'tabpanel');
            panel.setAttribute('aria-labelledby', `tab-${number}-${at}`);
            panel.append(label.nextElementSibling);
            label.replaceWith(panel);
            tab.id = `tab-${number}-${at}`;
            tab.type = 'button';
            tab.textContent = language;
            tab.setAttribute('role', 'tab');
            tab.setAttribute('aria-controls', panel.id);
            tab.addEventListener('click', () => choose(language, tab));
            group.languages.push(language);
            group.tabs.push(tab);
            group.panels.push(panel);
            list.append(tab);
        });
        list.addEventListener('keydown', event => {
            const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            const at = group.tabs.indexOf(document.activeElement);
            if (step === undefined || at < 0) return;
            const next = group.tabs[(at + step + group.tabs.length) % group.tabs.length];
            next.focus();
            next.click();
            // mdBook turns the page by these keys
            event.stopPropagation();
            event.preventDefault();
        });
        frame.prepend(list);
        groups.push(group);
        show(group, remembered());
    });
})();
