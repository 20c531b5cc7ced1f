fn main() {
    // The browser says where a program stopped, not why. www/loading.js tells the page's reader.
    std::panic::set_hook(Box::new(|panic| {
        let told = format!("tabraft: the page's program failed: {panic}");
        web_sys::console::error_1(&told.into());
    }));
    tabraft_web::ui::mount(tabraft_web::client::console::open());
}
