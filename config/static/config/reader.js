/* Whose device has another clock than these pages is told so, and offered its zone on the page of preferences. */
document.addEventListener("DOMContentLoaded", () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const ahead = Number(document.body.dataset.adminUtcOffset) / 60;
    for (const place of document.querySelectorAll("[data-reader-zone]")) place.textContent = zone;
    const clock = document.querySelector("[data-reader-elsewhere]");
    if (clock && zone && ahead !== -new Date().getTimezoneOffset()) {
        clock.classList.add("pr-zone--elsewhere");
        clock.title += `. ${clock.dataset.readerElsewhere} ${zone}.`;
    }

    const offer = document.querySelector("[data-reader-offer]");
    const select = document.querySelector("select[name=time_zone]");
    if (!offer || ![...select.options].some((option) => option.value === zone)) return;
    const show = () => { offer.hidden = (select.value || offer.dataset.readerOffer) === zone; };
    offer.querySelector("[data-reader-take]").addEventListener("click", () => {
        select.value = zone;
        show();
        select.focus();
    });
    select.addEventListener("change", show);
    show();
});
